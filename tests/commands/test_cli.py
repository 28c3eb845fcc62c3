"""What a person types: errors in one line with exit code 2, help that teaches, settings from a file."""

import os
import shutil
import subprocess
import sys

import pytest

from harness.storage.run_folder import RunFolder
from tests.doubles import refusal


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("run --models resnet18 --pruners magnitud", "did you mean 'magnitude_l"),
        ("run --models resnte18", "did you mean 'resnet18'"),
        ("run --models resnet18 --backends cuda", "no backend is called 'cuda'"),
        ("run --models resnet18 --schedules once", "no schedule is called 'once'"),
        ("run --models resnet18 --levels 0.5,2", "a sparsity level is above 0 and below 1, not 2"),
        ("run --models resnet18 --levels 1e-9", "not 1e-09: from 0.0001 to 0.9999"),
        (f"run --models resnet18 --seeds {10**23}", "--seeds: 10000000000000000000 is not from 0 to"),
        ("run --models resnet18 --batch-sizes 1000000000", "1000000000 is not from 1 to 65536"),
        ("run --models resnet18 --threads 1025", "1025 is not in the range 1<=x<=1024"),
        ("run --models resnet18 --workers 100000", "100000 is not in the range 1<=x<=1024"),
        ("run --models resnet18 --dense-epochs 1e308", "1e+308 is not in the range 0<=x<=100000"),
        ("run --models resnet18 --time-limit 1e300", "1e+300 is not in the range 1<=x<=2592000"),
        ("run --models resnet18 --weight-decay 2", "2.0 is not in the range 0<=x<=1"),
        ("run --models resnet18 --levels 1", "a sparsity level is above 0 and below 1, not 1"),
        ("run --models resnet18 --target flops", "no target is called 'flops'"),
        ("run --models resnet18 --scope everywhere", "'everywhere' is not one of"),
        ("run --models resnet18 --dense-epochs nan", "'nan' is not a finite number"),
        ("run --models resnet18 --pin 999", "no core is called '999'"),
        ("run --models resnet18 --workers 0", "0 is not in the range"),
        ("run --models resnet18 --dataset folder:nowhere", "has no train/ in it"),
        ("run --models resnet18 --dense-from .", "--dense-from . is no run's folder"),
        ("run --models resnet18 --dataset folder", "--dataset folder:PATH"),
        ("run --models resnet18 --config nowhere.toml", "'nowhere.toml' does not exist"),
        ("run --models resnet18 --optimizer adamm", "did you mean 'adam"),
        ("coverage --pruner all", "coverage takes one pruner at granularity weight, not "),
        ("coverage --backend *", "--backend asks for one backend (there are: compiled_cpu, "),
        ("run", "Missing option '--models'"),
        ("rum", "No such command 'rum'"),
    ],
)
def test_a_wrong_request_is_one_line_and_writes_nothing(command, tmp_path, arguments, sentence):
    assert sentence in refusal(command(*arguments.split()))
    assert list(tmp_path.iterdir()) == []


def test_one_class_is_nothing_to_rank_by(command, image_folder):
    for part in ("train", "test"):
        for other in ("digit1", "digit2"):
            shutil.rmtree(image_folder / part / other)
    done = command("run", "--models", "resnet18", "--dataset", f"folder:{image_folder}")
    assert "has one class, so all models are right" in refusal(done)


ABSENT = """
import harness

class Absent:
    name = "absent"
    def unavailable(self): return "no such chip: solder one on"
    def describe(self): return {}
    def prepare(self, model, example): return model

@harness.hookimpl
def harness_backends(): return [Absent()]
"""


def test_a_backend_asked_for_by_name_that_cannot_run_says_why(command, installed):
    installed("absent", ABSENT)
    named = command("run", "--models", "resnet18", "--backends", "absent")
    assert "'absent' is not available here: no such chip: solder one on" in refusal(named)
    apart = command("list").stdout.split("Broken or unavailable")[1]
    assert "absent 1.0" in apart
    assert "no such chip" in apart
    assert command("run", "--models", "resnet18", "--dry-run").returncode == 0


def test_a_file_gives_every_option_and_the_command_line_wins(command, tmp_path):
    (tmp_path / "grid.toml").write_text(
        'models = "resnet18"\npruners = ["snip", "taylor"]\nlevels = [0.3]\nseeds = "0,1"\n'
        'granularities = "weight"\nfinetune_epochs = 7\naugment = false\n'
    )
    done = command("run", "--config", "grid.toml", "--pruners", "random", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "random" in done.stdout
    assert "snip" not in done.stdout
    assert "2 trials, 8 cells" in done.stdout
    assert "14 of fine-tuning" in done.stdout


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("quick = 7", "quick is true or false, not 7"),
        ('quick = "yes"', "quick is true or false, not 'yes'"),
        ("out = 5", "out is a text, not 5"),
        ("threads = 1.5", "threads is a whole number, not 1.5"),
        ("threads = true", "threads is a whole number, not True"),
        ("dense-epochs = {a = 1}", "dense-epochs is a number, not {'a': 1}"),
        ("dense-epochs = 1\ndense_epochs = 2", "dense_epochs is said twice, spelt in two ways"),
        ("models = [{a = 1}]", "models is a text, or a list, not [{'a': 1}]"),
        ("seeds = [true]", "seeds is a text, or a list, not [True]"),
        (f"quick = {'[' * 60_000}", "brackets within brackets without end"),
        (
            f'models = "resnet18"\nlayer-floor = {"9" * 400}',
            "layer-floor is a whole number of more than 64 bits",
        ),
        (f"models = {{a = 0x{'f' * 6000}}}", "a is a whole number of more than 64 bits"),
        (f"seeds = [0x{'f' * 6000}]", "seeds is a whole number of more than 64 bits"),
        (f"seeds = {'9' * 400}", "seeds is a whole number of more than 64 bits"),
        (f'models = "resnet18"\nresize = "{"9" * 5000}"', "--resize takes pixels, as 64 or 256:224"),
        ('data-dir = "a\\u0000b"', "data-dir holds a null character, which no name has"),
        ('model = "resnet18"', "no setting is called 'model'; did you mean 'models'"),
        ("models = ", "--config grid.toml: "),
        ('models = "resnet18"\nfinetune-epochs = "many"', "finetune-epochs is a number, not 'many'"),
    ],
)
def test_a_wrong_file_is_one_line(command, tmp_path, content, sentence):
    (tmp_path / "grid.toml").write_text(content)
    assert sentence in refusal(command("run", "--config", "grid.toml", "--dry-run"))


def test_a_process_of_its_own_answers_and_refuses_alike(process, command):
    for arguments in (["--version"], ["run", "--models", "resnte18"]):
        own, here = process(*arguments), command(*arguments)
        assert (own.returncode, own.stdout, own.stderr) == (here.returncode, here.stdout, here.stderr)


def test_help_teaches(command):
    general, run = command("--help").stdout, command("run", "--help").stdout
    assert "harness run --pruners all --models resnet18" in general
    for word in ("--pruners", "iterative:0.2", "folder:PATH", "Exit code 0: done", "[default: "):
        assert word in run


def test_a_folder_that_cannot_be_written_is_named(command, tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = command("run", "--models", "resnet18", "--out", "taken/run")
    assert "taken/run cannot be written (Not a directory)" in refusal(done)


def test_names_and_letters_that_a_locale_cannot_spell_cost_no_table(image_folder, tmp_path):
    folder = image_folder.rename(tmp_path / "bäume")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment["PYTHONIOENCODING"] = "ascii"
    command = [
        sys.executable, "-m", "harness", "run", "--models=test_resnet", "--pruners=random",
        "--granularities=channel", "--levels=0.3", "--seeds=0", "--dense-epochs=0",
        "--finetune-epochs=0", "--backends=eager_cpu", "--timing-seconds=0.1", "--quick",
        "--out=run", f"--dataset=folder:{folder}",
    ]  # fmt: skip
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "folder:b?ume" in done.stdout
    assert RunFolder(tmp_path / "run").rows[0]["dataset"] == "folder:bäume"
