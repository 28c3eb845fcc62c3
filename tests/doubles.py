"""What tests use in place of the real thing, and how they type commands: all in one place.

Made-up rows, a small model, an observer that remembers, backends on no device, a distribution that pip
might have installed, and `harness ARGUMENTS` in this process or in one of its own.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from harness.commands.cli import main
from harness.engines.local import LocalEngine
from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.clock_check import COPIES, SLOWED_COPIES, TWINS
from harness.measuring.timing_process import COPY, DENSE, ProcessTiming
from harness.measuring.timing_results import TimingResults
from harness.runs.preloads import preloads_of
from harness.storage.bits import encode_bits
from harness.storage.row import Row
from harness.training.synthetic import ResidualNetwork
from harness.trials.trial_run import run_levels
from harness_plugins.datasets.digits import Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

    import harness
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.level_result import LevelResult
    from harness.trials.spec import Trial

ROOT = Path(__file__).parents[1]
WIDE = {"COLUMNS": "200"}
"""A terminal on which no line is broken."""


def typed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`harness ARGUMENTS` in a folder, in this process: what it prints, and its exit code."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setattr(sys, "argv", ["harness", *arguments])
        patch.setenv("COLUMNS", WIDE["COLUMNS"])
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as stop:
                code = int(stop.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def program(*arguments: str) -> list[str]:
    """The command line of `harness ARGUMENTS` as a process of its own."""
    return [sys.executable, "-m", "harness", *arguments]


def started(
    folder: Path, *arguments: str, path: str = "", timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """`harness ARGUMENTS` in a folder as a user starts it, with plugins from `path` before others."""
    paths = [given for given in (path, os.environ.get("PYTHONPATH")) if given]
    return subprocess.run(
        program(*arguments),
        cwd=folder,
        env={**os.environ, **WIDE, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr of a refused request."""
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("harness: error: ")
    return line


def until(reached: Callable[[], object], *, seconds: float = 300) -> None:
    """Wait for what another process does. Fails where it does not come."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def install(
    site: Path,
    name: str,
    *,
    source: str = "",
    version: str = "1.0",
    module: str = "",
    requires: Sequence[str] = (),
) -> None:
    """Lay a distribution out as pip does: its metadata, and with a `source` its plugin module."""
    stem = name.replace("-", "_")
    info = site / f"{stem}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    if source:
        module = module or stem
        (info / "entry_points.txt").write_text(f"[harness]\nplugin_{module} = {module}\n")
        (site / f"{module}.py").write_text(source)


def local_engine(folder: Path, **options: Any) -> LocalEngine:
    """Processes as a run starts them, so that whichever test is first imports for all."""
    options = {"workers": 2, "time_limit": 120.0, **options}
    return LocalEngine(log=folder / "log.txt", preloads=preloads_of(Digits()), **options)


def run_trial(trial: Trial, store: ArtifactStore) -> Iterator[LevelResult]:
    """The levels of a trial as they are finished, without their models."""
    for result, _ in run_levels(trial, store, time_breakdown=TimeBreakdown()):
        yield result


class Notes:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.written = 0

    def phase(self, name: str, units: float) -> None:
        self.notes.append(f"{name}: {units}")

    def running(self, labels: Sequence[str]) -> None:
        pass

    def done(self, label: str, units: float) -> None:
        self.notes.append(label)

    def rows(self, written: int) -> None:
        self.written = written

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass(frozen=True)
class SmallModel:
    """The small residual network as a model plugin."""

    name: str = "residual_network"

    def build(self, dataset: harness.Dataset) -> nn.Module:
        return ResidualNetwork()


class Nowhere:
    """A backend on no device, which runs a model as it is; others refuse, lie or die."""

    name = "nowhere"

    def unavailable(self) -> str | None:
        return None

    def describe(self) -> dict[str, str]:
        return {"device": "none", "runtime": "none"}

    def prepare(self, model: nn.Module, example: Tensor) -> Callable[[Tensor], Tensor]:
        return model


class Wrong(Nowhere):
    """Adds one to everything, and is allowed a hundredth."""

    name = "wrong"
    tolerance = 0.01

    def prepare(self, model: nn.Module, example: Tensor) -> Callable[[Tensor], Tensor]:
        return torch.no_grad()(lambda images: model(images) + 1.0)


class DiesOnSmallModels(Nowhere):
    """Takes its process down where the small network has lost channels."""

    name = "dies_on_small_models"

    def prepare(self, model: nn.Module, example: Tensor) -> Callable[[Tensor], Tensor]:
        if model.first.out_channels < 8:
            os._exit(9)
        return model


class DiesAtFour(Nowhere):
    """Takes its process down at four images, says no at eight."""

    name = "dies_at_four"

    def prepare(self, model: nn.Module, example: Tensor) -> Callable[[Tensor], Tensor]:
        if len(example) == 4:
            os._exit(9)
        if len(example) == 8:
            raise RuntimeError("seven at most")
        return model


class OneAtATime(Nowhere):
    """Runs single images only."""

    name = "one_at_a_time"

    def prepare(self, model: nn.Module, example: Tensor) -> Callable[[Tensor], Tensor]:
        if len(example) > 1:
            raise RuntimeError("one image at a time")
        return model


PLUGIN = """\
import harness
from tests.doubles import {name}

@harness.hookimpl
def harness_{kind}s():
    return [{name}()]
"""
"""A plugin module that offers a class of this one."""


def made_row(**columns: object) -> dict[str, object]:
    """A measured row with believable columns, any of them replaced."""
    bits = np.arange(100) < 90
    row = Row(
        key="k", model="resnet18", dataset="digits", pruner="group_norm_l2", granularity="channel",
        scope="local", schedule="one_shot", sparsity=0.5, backend="eager_cpu", top1=0.9,
        dense_top1=1.0, retained=0.9, images=100, latency_ms=6.0, latency_low_ms=5.9,
        latency_high_ms=6.1, dense_latency_ms=10.0, fps=166.7, ms_saved=4.0, ms_saved_low=3.9,
        ms_saved_high=4.1, ms_saved_error=0.05, noise_ms=0.2, saves_time=True,
        retained_per_ms_saved=0.225, rounds=50, size_mb=10.0, compressed_mb=9.0, params=1000,
        params_nonzero=1000, dense_params=2000, macs=100, dense_macs=1000, device="a processor",
        runtime="torch 2", dense_epochs=12.0, correct=encode_bits(bits),
        dense_correct=encode_bits(np.ones(100, dtype=bool)),
    )  # fmt: skip
    return {**asdict(row), **columns}


def made_rows() -> list[dict[str, object]]:
    """Dense, two methods that save time at two levels, one that does not, one skipped cell."""
    nothing = {"ms_saved": 0.0, "saves_time": False, "retained_per_ms_saved": None}
    rows = [made_row(pruner="dense", granularity="", scope="", schedule="", sparsity=0.0, **nothing)]
    for pruner, share in (("random", 0.8), ("group_norm_l2", 0.9)):
        for level, saved in ((0.5, 4.0), (0.9, 8.0)):
            bits = encode_bits(np.arange(100) < 100 * (share - level / 10))
            rows.append(made_row(pruner=pruner, sparsity=level, ms_saved=saved, correct=bits))
    rows.append(made_row(pruner="magnitude_l2", granularity="weight", scope="global", **nothing))
    skipped = Row(pruner="fpgm", granularity="weight", status="skipped", reason="not defined here")
    names = ("model", "dataset", "schedule", "backend", "batch", "threads")
    rows.append(asdict(skipped) | {name: rows[1][name] for name in names})
    return [{**row, "key": f"key {number}"} for number, row in enumerate(rows)]


MADE_MS = 10.0
"""Milliseconds that the model of a made-up session takes."""


def _made_process(
    random: np.random.Generator,
    *,
    slower: float,
    placement: float,
) -> ProcessTiming:
    """Copies of a model that differ by `placement`, some made `slower`, in one process."""
    labels = [DENSE, COPY, *(f"copy {k}" for k in range(COPIES)), *(f"twin {k}" for k in range(TWINS))]
    truth = dict.fromkeys(labels, MADE_MS) | {
        f"slowed {k}": MADE_MS * (1 + slower) for k in range(SLOWED_COPIES)
    }
    samples = {
        label: list(ms * (1 + random.normal(0, placement)) + random.normal(0, 0.01, 30))
        for label, ms in truth.items()
    }
    return ProcessTiming(samples={1: samples})


def made_session(
    *, slower: float = 0.03, placement: float = 0.0, processes: int = 16, seed: int = 0
) -> TimingResults:
    """Recorded times of copies of one model, some of them slower."""
    random = np.random.default_rng(seed)
    timings = [_made_process(random, slower=slower, placement=placement) for _ in range(processes)]
    return TimingResults(timings=tuple(timings))
