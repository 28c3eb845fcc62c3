"""One timing process: dense, a hidden copy of dense and pruned snapshots, all in turn.

The process loads artifacts and the backend, never a criterion's code. Where weights lie in memory
moves a model's time, so what the hidden copy seems to save is noise, and several such processes make
a measurement.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from harness.conditions import Conditions, Watch
from harness.contracts import SharesGraph
from harness.errors import HarnessError, failure_reason
from harness.export import shared_graph
from harness.snapshot import load_model
from harness.stopwatch import CLOCK, Limits, interleave

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from harness.artifacts import ArtifactStore
    from harness.contracts import Backend, Dataset, Model, Run
    from harness.stopwatch import Stop

DENSE = "dense"
COPY = "hidden copy of dense"
INPUTS = 4
TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class TimingJob:
    """What one timing process does; `snapshots` maps a label, `dense` among them, to a folder.

    `cores` pins the process where it is not empty.
    """

    backend: Backend
    model: Model
    dataset: Dataset
    store: ArtifactStore
    snapshots: Mapping[str, Path]
    batches: tuple[int, ...]
    threads: int
    limits: Limits
    seed: int
    cores: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one process found, by batch and label; times in milliseconds.

    A label in `failures` of a batch size counts for nothing there.
    """

    samples: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    stopped: dict[int, Stop] = field(default_factory=dict)
    load_ms: dict[str, float] = field(default_factory=dict)
    first_ms: dict[str, float] = field(default_factory=dict)
    deviations: dict[str, float] = field(default_factory=dict)
    failures: dict[int, dict[str, str]] = field(default_factory=dict)
    conditions: Conditions = field(default_factory=Conditions)
    seconds: float = 0.0


def time_snapshots(job: TimingJob) -> Timing:
    """Load every snapshot, check its outputs against PyTorch's, then time all of them in turn.

    A snapshot that cannot be loaded or returns wrong numbers is a failure and the others are timed
    without it; without dense there is nothing to compare with and all fail.
    """
    began, watch = CLOCK(), Watch()
    if job.cores:
        os.sched_setaffinity(0, job.cores)
    torch.set_num_threads(job.threads)
    folders = {**job.snapshots, COPY: job.snapshots[DENSE]}
    # What is loaded first lies elsewhere than what is loaded last: another order in every process.
    order = random.Random(job.seed).sample(sorted(folders), len(folders))  # noqa: S311 -- an order
    models = {label: load_model(folders[label], job.model, job.dataset) for label in order}
    timing = Timing()
    loaded: dict[str, Run] = {}
    with torch.no_grad():
        for batch in job.batches:
            _time_batch(job, models, loaded, batch=batch, timing=timing)
    seconds = (CLOCK() - began) / 1e9
    return replace(timing, conditions=watch.conditions(), seconds=seconds)


class _Recorded:
    """A run on one input that remembers its latest output, so that timed outputs can be checked."""

    def __init__(self, run: Run, images: Tensor) -> None:
        self.images = images
        self.output = images
        self._run = run

    def __call__(self) -> None:
        self.output = self._run(self.images)


def _time_batch(
    job: TimingJob,
    models: Mapping[str, nn.Module],
    loaded: dict[str, Run],
    *,
    batch: int,
    timing: Timing,
) -> None:
    generator = torch.Generator().manual_seed(job.seed)
    inputs = [torch.randn(batch, *job.dataset.shape, generator=generator) for _ in range(INPUTS)]
    runs: dict[str, list[_Recorded]] = {}
    failures = timing.failures.setdefault(batch, {})
    for label, model in models.items():
        try:
            run = _prepared(job, label, model, inputs[0], loaded, timing)
            _check(label, run(inputs[0]), model(inputs[0]), timing)
            runs[label] = [_Recorded(run, images) for images in inputs]
        except Exception as error:
            failures[label] = failure_reason(error)
    if not failures.keys() & {DENSE, COPY}:
        session = interleave(runs, reference=DENSE, limits=job.limits, seed=job.seed)
        timing.samples[batch], timing.stopped[batch] = session.samples, session.stopped
        failures |= _wrong_while_timed(runs, models, timing)
    broken = [failures[label] for label in (DENSE, COPY) if label in failures]
    if broken:
        failures.update(dict.fromkeys(models, f"dense could not be run: {broken[0]}"))


def _wrong_while_timed(
    runs: Mapping[str, Sequence[_Recorded]], models: Mapping[str, nn.Module], timing: Timing
) -> dict[str, str]:
    """Labels whose latest timed output of one input is not PyTorch's, with how far it is off."""
    wrong = {}
    for label, recorded in runs.items():
        latest = recorded[-1]
        try:
            _check(label, latest.output, models[label](latest.images), timing)
        except HarnessError as error:
            wrong[label] = f"while timed: {error}"
    return wrong


def _prepared(
    job: TimingJob,
    label: str,
    model: nn.Module,
    inputs: Tensor,
    loaded: dict[str, Run],
    timing: Timing,
) -> Run:
    """The model on the backend; a shared graph serves every batch size and is loaded once."""
    shares = isinstance(job.backend, SharesGraph)
    if shares and label in loaded:
        return loaded[label]
    if isinstance(job.backend, SharesGraph):
        graph = shared_graph(job.backend, model, inputs, name=job.model.name, store=job.store)
        began = CLOCK()
        run = job.backend.load(graph, model)
    else:
        began = CLOCK()
        run = job.backend.prepare(model, inputs)
    ready = CLOCK()
    run(inputs)
    timing.load_ms.setdefault(label, (ready - began) / 1e6)
    timing.first_ms.setdefault(label, (CLOCK() - ready) / 1e6)
    loaded[label] = run
    return run


def _check(label: str, found: Tensor, expected: Tensor, timing: Timing) -> None:
    if found.shape != expected.shape:
        raise HarnessError(f"outputs are {tuple(found.shape)}, PyTorch's {tuple(expected.shape)}")
    largest = float(expected.abs().max())
    off = float((found - expected).abs().max()) / max(largest, 1e-12)
    timing.deviations[label] = max(off, timing.deviations.get(label, 0.0))
    if not off <= TOLERANCE:
        raise HarnessError(f"outputs differ from PyTorch's by {off:.2g} of the largest")
