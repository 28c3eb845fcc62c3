"""`harness new` writes what works, and nothing where it cannot."""

import pytest
from click.testing import CliRunner

from harness.commands.plugins.new import new
from tests.doubles import refusal


def test_a_distribution_is_written_with_what_to_do_next(command, tmp_path):
    done = command("new", "schedule", "halves")
    assert done.returncode == 0, done.stderr
    assert "cd harness-halves" in done.stdout
    assert "harness run --models resnet18 --schedules halves --dry-run" in done.stdout
    assert (tmp_path / "harness-halves" / "harness_halves.py").is_file()


def test_a_file_is_a_plugin_by_itself(command, tmp_path):
    assert command("new", "pruner", "kurtosis", "--file").returncode == 0
    listed = command("list", "pruners", "--plugin", "kurtosis.py")
    assert "Keep weights that move the loss" in listed.stdout
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["kurtosis.py"]


def test_what_is_there_is_not_written_over(command, tmp_path):
    (tmp_path / "kurtosis.py").write_text("mine")
    done = command("new", "pruner", "kurtosis", "--file")
    assert "kurtosis.py is there already: remove it, or name another with --out" in refusal(done)
    assert (tmp_path / "kurtosis.py").read_text() == "mine"


def test_names_that_are_taken_or_none_are_refused(command, tmp_path):
    assert "a pruner is called 'taylor' already" in refusal(command("new", "pruner", "taylor"))
    assert "a model is called 'resnet18' already" in refusal(command("new", "model", "resnet18"))
    assert "'two words' is no name for a pruner" in refusal(command("new", "pruner", "two words"))
    assert "it is a word of Python itself" in refusal(command("new", "pruner", "class"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["torch", "statistics", "__main__"])
def test_no_file_hides_a_module_from_programs_beside_it(name, command, tmp_path):
    assert f"{name}.py would hide the module {name!r}" in refusal(
        command("new", "pruner", name, "--file")
    )
    assert list(tmp_path.iterdir()) == []
    assert command("new", "pruner", name).returncode == 0


def test_nor_does_a_distribution(command, tmp_path):
    said = refusal(command("new", "pruner", "plugins"))
    assert "harness_plugins.py would hide the module 'harness_plugins'" in said
    assert "take another name" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("new", "pruner", "kurtosis"),
        ("run", "--models=test_resnet", "--pruners=random", "--dry-run"),
        ("merge", "one", "other"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(words, command, tmp_path):
    (tmp_path / "file").touch()
    assert "file/x cannot be written (Not a directory)" in refusal(command(*words, "--out=file/x"))
    assert "it is empty" in refusal(command(*words, "--out="))


def test_help_says_what_is_written():
    text = " ".join(CliRunner().invoke(new, ["--help"]).output.split())
    assert "module, entry point, tests with the conformance kit, tox, licence" in text
