"""What can go is shown with its size, and goes only where that is said."""

import shutil

from harness.commands.clean import clean
from tests.doubles import ROOT, refusal


def test_nothing_goes_unless_it_is_said_and_then_the_run_is_sound(command, tmp_path):
    run = shutil.copytree(ROOT / "results" / "regression", tmp_path / "run")
    before = sorted(run.rglob("*"))
    shown = command("clean", "run")
    assert shown.returncode == 0, shown.stderr
    assert "scores and statistics, computed again where they are wanted" in shown.stdout
    assert "can go; --remove removes it" in shown.stdout
    assert sorted(run.rglob("*")) == before
    done = command("clean", "run", "--remove")
    assert done.stdout.endswith("MB  removed\n")
    assert command("clean", "run").stdout == "Nothing is left over.\n"
    assert command("doctor", "run").returncode == 0
    assert (
        command("export", "run", "obd channel@0.5", "--backend", "eager_cpu", "--out", "x").returncode
        == 0
    )


def test_without_a_run_it_looks_at_this_machine(command, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "folder-0").mkdir(parents=True)
    assert "a cache that was last used 0 days ago" in command("clean", "--days", "0").stdout
    assert clean.get_short_help_str(200).startswith("Show what is needed no more")


def test_a_folder_that_is_no_run_is_named(command):
    assert "no run folder is called 'nowhere'" in refusal(command("clean", "nowhere"))
