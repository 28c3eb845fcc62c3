"""`harness check` finds what each broken plugin breaks, and a run goes on beside them."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from torch.utils.data import TensorDataset

from harness.errors import HarnessError, UnknownNameError
from harness.storage.run_folder import RunFolder
from harness.testing.checking.cell_check import PROMISE
from harness.testing.checking.check_job import BROKEN, KEPT, CheckJob
from harness.testing.checking.command import COLOURS
from harness.testing.checking.plugin_check import PluginSource
from harness.training.images.dataset_check import check_images
from tests import broken_plugins as broken

FILE = Path(broken.__file__)
OFFERED = (
    *broken.PRUNERS, *broken.SCHEDULES, *broken.DATASETS, *broken.BACKENDS, *broken.REPORTERS,
    *broken.MODELS, broken.CountsOn, broken.Litters,
)  # fmt: skip


@pytest.mark.long(20)
def test_every_broken_promise_is_found(command):
    done = command("check", str(FILE), "--json")
    assert done.returncode == 1
    verdicts = defaultdict(list)
    for verdict in json.loads(done.stdout):
        verdicts[verdict["plugin"]].append(verdict)
    assert verdicts.keys() == {plugin.name for plugin in OFFERED}
    for plugin, own in verdicts.items():
        reasons = [verdict["reason"] for verdict in own if verdict["verdict"] == BROKEN]
        assert len(reasons) == 1, plugin
        assert "UnboundLocalError" not in reasons[0]


@pytest.mark.long(15)
def test_a_sound_plugin_keeps_all_promises_down_to_a_measured_cell(command):
    command("new", "pruner", "sharpness", "--file")
    done = command("check", "sharpness.py")
    assert done.returncode == 0, done.stdout
    assert f"kept     {PROMISE}" in done.stdout
    assert "0 broken, 0 skipped" in done.stdout


RUN = (
    "run", "--models", "test_resnet", "--levels", "0.5", "--target", "params", "--seeds", "0",
    "--dense-epochs", "1", "--finetune-epochs", "0.2", "--penalty-epochs", "1", "--timing-seconds", "0",
    "--quick", "--arithmetic", "fp32",
    "--backends", "eager_cpu," + ",".join(made.name for made in broken.WRONG_TIMES),
    "--schedules", "one_shot,rewinds_beyond_the_end", "--granularities", "weight",
    "--pruners", "random," + ",".join(made.name for made in broken.PRUNERS),
)  # fmt: skip


@pytest.mark.long(15)
def test_in_a_run_each_is_a_row_with_its_reason(command, tmp_path):
    done = command(*RUN, "--plugin", str(FILE), "--out", "run")
    assert done.returncode == 1, done.stderr
    every = RunFolder(tmp_path / "run").rows
    timed_wrong = [row for row in every if row["backend"] != "eager_cpu"]
    assert {row["backend"] for row in timed_wrong} == {made.name for made in broken.WRONG_TIMES}
    assert "ok" not in {row["status"] for row in timed_wrong}
    assert all(row["reason"] for row in timed_wrong)
    rows = [row for row in every if row["backend"] == "eager_cpu"]
    sound = [row["pruner"] for row in rows if row["status"] == "ok"]
    assert {*sound} == {"dense", "random"}
    for row in rows:
        assert row["status"] == "ok" or row["reason"], row["pruner"]
        assert "UnboundLocalError" not in (row["reason"] or "")


ENDLESS = """
import harness
class Endless:
    name = "endless"
    def score(self, evidence):
        while True:
            pass
@harness.hookimpl
def harness_pruners():
    return [Endless()]
"""
READER = """
from pathlib import Path
import harness
class Reader:
    name, granularities = "reader", ("weight",)
    def score(self, evidence):
        exponent = float(Path("scores.txt").read_text())
        return {name: weight.abs() ** exponent for name, weight in evidence.weights.items()}
@harness.hookimpl
def harness_pruners():
    return [Reader()]
"""
SILENT = [made for made in broken.DATASETS if made is not broken.OwnDice]
"""Those by which a number would be wrong, and nobody would see."""


@pytest.mark.parametrize("dataset", SILENT, ids=lambda made: made.name)
def test_images_that_are_none_are_named_before_anything_is_trained(dataset):
    check_images(broken.Noise())
    with pytest.raises(HarnessError, match=dataset.name):
        check_images(dataset())


class RareLabel(broken.Noise):
    """One image in five hundred is of another class, and none of those that a run looks at."""

    name = "rare_label"

    def split(self, part):
        generator = torch.Generator().manual_seed(("train", "test").index(part))
        labels = torch.zeros(500, dtype=torch.int64)
        labels[1] = 1
        return TensorDataset(torch.randn(500, *self.shape, generator=generator), labels)


def test_a_label_that_is_rare_is_looked_for_before_all_are_said_to_be_alike():
    check_images(RareLabel())


def test_a_process_that_ends_leaves_its_last_promise_broken(tmp_path):
    notes = tmp_path / "notes.jsonl"
    notes.write_text('["first", "", ""]\n["first", "kept", ""]\n["second", "", ""]\n')
    job = CheckJob(kind="pruner", name="any", files="", notes=notes)
    first, second = job.verdicts("its process ended with exit code 3")
    assert (first.verdict, second.verdict) == (KEPT, BROKEN)
    assert second.reason == "its process ended with exit code 3"


def test_what_is_neither_installed_nor_a_file_is_named():
    with pytest.raises(UnknownNameError, match="no installed distribution or file with plugins"):
        PluginSource.named("harness-nowhere")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os\nos._exit(7)\n", "its process ended with exit code 7"),
        ("def (\n", "SyntaxError: invalid syntax"),
        ("nothing = 1\n", "offers nothing: mark one of harness_pruners"),
    ],
)
def test_a_file_that_cannot_be_discovered_is_one_broken_promise(source, reason, tmp_path):
    file = tmp_path / "own_undiscovered.py"
    file.write_text(source)
    [verdict] = PluginSource.named(str(file)).verdicts(tell=lambda _: None)
    assert verdict.verdict == BROKEN
    assert reason in verdict.reason


def test_what_a_plugin_reads_beside_it_is_there(command, tmp_path, monkeypatch):
    """By a relative path, and wherever: a comma parts files of --plugin."""
    (tmp_path / "a,b").mkdir()
    monkeypatch.chdir(tmp_path / "a,b")
    Path("scores.txt").write_text("0.5")
    Path("own_reader.py").write_text(READER)
    verdicts = [*PluginSource.named("own_reader.py").verdicts(tell=lambda _: None)]
    assert {verdict.verdict for verdict in verdicts} == {KEPT}, verdicts
    assert verdicts[-1].promise == PROMISE


def test_a_plugin_without_end_is_told_with_the_promise_that_it_was_at(command, tmp_path):
    (tmp_path / "own_endless.py").write_text(ENDLESS)
    done = command("check", "own_endless.py", "--time-limit", "4")
    assert done.returncode == 1
    assert "broken   at weight: scores are finite floats" in done.stdout
    assert "ran past the time limit of 4 s" in done.stdout


def test_every_verdict_has_a_colour():
    assert {BROKEN, KEPT} <= COLOURS.keys()


def test_what_a_plugin_prints_as_it_is_imported_is_none_of_the_json(process, tmp_path):
    (tmp_path / "own_loud.py").write_text(
        "print('hello')\nimport harness\n@harness.hookimpl\ndef harness_pruners(): return []\n"
    )
    done = process("check", "own_loud.py", "--json")
    assert json.loads(done.stdout) == []
    assert done.returncode == 1
