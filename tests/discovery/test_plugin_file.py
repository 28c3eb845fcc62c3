"""Plugins in a file: found as those of packages are, by workers and other hosts too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.discovery._plugin_file import import_plugin_file
from harness.discovery.loading import discover
from harness.engines._ray_host import ship
from harness.errors import HarnessError
from harness.storage.keys import source_hash
from harness.storage.run_folder import RunFolder
from harness_plugins.datasets.digits import Digits
from tests.doubles import refusal

MODEL = """
from dataclasses import dataclass
from fnmatch import fnmatchcase

import harness
from {beside} import network


@dataclass(frozen=True)
class OwnModel:
    name: str = "own_net"

    def build(self, dataset):
        return network(dataset.shape[0], dataset.classes)


@harness.hookimpl
def harness_models(pattern):
    return [OwnModel()] if fnmatchcase("own_net", pattern) else []
"""
NETWORK = """
from torch import nn


def network(channels, classes):
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, classes),
    )
"""
SCHEDULE = """
import harness


class Halves:
    name = "halves"

    def rounds(self, sparsity):
        return [harness.Round(sparsity=level, share=0.5) for level in (sparsity / 2, sparsity)]


@harness.hookimpl
def harness_schedules():
    return [Halves()]
"""


@pytest.fixture
def written(tmp_path, own_imports):
    """Write files of modules, which are forgotten after the test."""

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
        return str(tmp_path / f"{next(iter(sources))}.py")

    return write


def test_a_file_offers_plugins_of_any_kind(written):
    model = written(own_model=MODEL.format(beside="own_layers"), own_layers=NETWORK)
    catalogue = discover(f"{model},{written(own_schedule=SCHEDULE)}")
    [offer] = [offer for offer in catalogue.offers if offer.name == "halves"]
    assert (offer.kind, offer.distribution) == ("schedule", "own_schedule.py")
    [found] = catalogue.choose_models("own_net")
    assert found.name == "own_net"
    assert "own_net" not in [model.name for model in discover().models("own*")]


@pytest.mark.parametrize("edited", ["own_edited.py", "own_layers2.py"])
def test_a_file_that_is_edited_is_another_plugin_as_is_one_that_it_imports(edited, written, tmp_path):
    def found():
        [model] = discover(path).choose_models("own_net")
        return source_hash(model), model.build(Digits())[0].out_channels

    path = written(own_edited=MODEL.format(beside="own_layers2"), own_layers2=NETWORK)
    before = found()
    written(own_layers2=NETWORK.replace("8", "9"))
    # Python takes a file of the same size and second for the one that it has compiled.
    os.utime(tmp_path / "own_layers2.py", (0, 0))
    if edited == "own_edited.py":
        written(own_layers2=NETWORK)
        Path(path).write_text(Path(path).read_text() + "\nCHANGED = True\n")
    after = found()
    assert after[0] != before[0]
    # What this process has imported is not what it was.
    assert (before[1], after[1]) == (8, 8 if edited == "own_edited.py" else 9)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("x = 1\n", "offers nothing: mark one of harness_pruners, "),
        ("def harness_models(pattern): return []\n", "offers nothing: mark one of"),
        ("raise ValueError('broken')\n", r"own_file\.py: ValueError: broken \(own_file\.py:1\)"),
        ("import harness\n@harness.hookimpl\ndef harness_prunners(): pass\n", "'harness_prunners'"),
        (
            "import harness\n@harness.hookimpl\ndef harness_pruners(): return [object()]\n",
            "object is no pruner: it has no name",
        ),
        (
            "import harness\n@harness.hookimpl\ndef harness_pruners(): return object()\n",
            "`harness_pruners` must return a list of plugins, not <object",
        ),
        (
            "import harness\n@harness.hookimpl\ndef harness_backends(): pass\n",
            "`harness_backends` must return a list of plugins, not None",
        ),
        (
            "import harness\nclass P:\n  name, score = 'twin', len\n"
            "@harness.hookimpl\ndef harness_pruners(): return [P(), P()]\n",
            r"own_file\.py offers two pruners named 'twin': rename one of them",
        ),
        ("import sys; sys.exit(3)\n", "SystemExit: 3"),
        ("def f(:\n", "SyntaxError"),
    ],
)
def test_a_file_that_offers_nothing_is_named(source, sentence, written):
    with pytest.raises(HarnessError, match=sentence):
        discover(written(own_file=source))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("torch", r"torch/__init__\.py is called 'torch' too: rename the file"),
        ("sys", "Python itself is called 'sys' too"),
        # Python itself, or the file of a program that was started with -m.
        ("__main__", "is called '__main__' too"),
        ("no-name", "there is no Python file of that name"),
    ],
)
def test_a_file_that_cannot_be_imported_by_its_name_is_refused(name, sentence, written):
    with pytest.raises(HarnessError, match=sentence):
        discover(written(**{name: "x = 1\n"}))


def test_files_beside_a_plugin_take_no_installed_modules_place(written, tmp_path):
    module = import_plugin_file(Path(written(own_imports="import json\n", json="x = 1\n")))
    assert module.json.dumps([]) == "[]"
    assert sys.path[-1] == str(tmp_path)


def test_a_file_that_is_not_there_is_named(command):
    told = refusal(command("list", "--plugin", "nowhere.py"))
    assert "nowhere.py: there is no Python file of that name" in told


def test_two_files_that_offer_one_name_are_refused(written):
    first, second = written(own_first=SCHEDULE), written(own_second=SCHEDULE)
    with pytest.raises(HarnessError, match=r"'halves': own_first\.py and own_second"):
        discover(f"{first},{second}")


@pytest.mark.long(20)
def test_an_own_network_runs_in_worker_processes(written, command, tmp_path):
    path = written(own_model=MODEL.format(beside="own_layers"), own_layers=NETWORK)
    done = command(
        "run", "--plugin", path, "--models", "own_net", "--pruners", "random",
        "--granularities", "channel", "--levels", "0.5", "--seeds", "0", "--dense-epochs", "1",
        "--finetune-epochs", "0", "--backends", "eager_cpu", "--timing-seconds", "0.2", "--quick",
        "--arithmetic", "fp32", "--out", "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = RunFolder(tmp_path / "run").rows
    assert [(row["model"], row["status"]) for row in rows] == [("own_net", "ok")] * 2
    assert "plugin" not in (tmp_path / "run" / "options.toml").read_text()
    exported = command("export", "run", "dense", "--backend", "eager_cpu", "--plugin", path)
    assert exported.returncode == 0, exported.stderr


def test_a_host_is_shipped_the_file_with_what_it_imports_beside_it(written, tmp_path):
    model = Path(written(own_model=MODEL.format(beside="own_layers"), own_layers=NETWORK))
    assert {*ship(len, ("",), [model]).sources} == {"own_model.py", "own_layers.py"}


def test_a_host_finds_the_file_that_it_is_shipped(written, tmp_path):
    path = Path(written(own_schedule=SCHEDULE))
    [schedule] = discover(str(path)).choose("schedule", "halves")
    (tmp_path / "call.pkl").write_bytes(ship(type(schedule).rounds, (schedule, 0.8), [path]).pickled)
    program = (
        "import sys; from pathlib import Path\n"
        "from harness.engines._ray_host import ShippedCall, run_shipped\n"
        f"sources = {{'own_schedule.py': {path.read_bytes()!r}}}\n"
        "pickled = Path('call.pkl').read_bytes()\n"
        "rounds = run_shipped(ShippedCall(sources=sources, pickled=pickled))\n"
        "print([round.sparsity for round in rounds])\n"
    )
    path.unlink()
    # As another has been left there.
    environment = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        for left in (tmp_path / "cache").rglob("own_schedule.py"):
            left.write_text("raise SystemExit")
    assert done.stdout.strip() == "[0.4, 0.8]", done.stderr
