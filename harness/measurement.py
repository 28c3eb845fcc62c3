"""Timing the snapshots of one trial on one backend, in a process that does nothing else.

The process loads artifacts and the backend, never a criterion's code. Beside dense and pruned models
it times hidden copies of dense: where a copy's weights lie in memory moves its time by several per
cent, so what the copies seem to save is noise, and so is any saving as small.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from harness.contracts import Backend, SharesGraph
from harness.errors import HarnessError, failure_reason
from harness.keys import digest
from harness.snapshot import load_model
from harness.stopwatch import interleave

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from harness.artifacts import ArtifactStore
    from harness.contracts import Dataset, Model, Run

DENSE = "dense"
COPIES_BESIDE_DENSE = 8
COPIES_BESIDE_TRIAL = 1
TOLERANCE = 1e-3
GRAPH = "graph"


@dataclass(frozen=True, kw_only=True)
class TimingJob:
    """What one timing process does; `snapshots` maps a label, `dense` among them, to a folder."""

    backend: Backend
    model: Model
    dataset: Dataset
    store: ArtifactStore
    snapshots: Mapping[str, Path]
    copies: int
    batches: tuple[int, ...]
    threads: int
    seconds: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds by batch, label and round; failures by batch and label; how far outputs were off."""

    samples: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    deviations: dict[str, float] = field(default_factory=dict)
    failures: dict[int, dict[str, str]] = field(default_factory=dict)
    seconds: float = 0.0


def time_snapshots(job: TimingJob) -> Timing:
    """Load every snapshot, check its outputs against PyTorch's, then time all of them in turn.

    A snapshot that cannot be loaded or returns wrong numbers is a failure and the others are timed
    without it; without dense there is nothing to compare with and all fail.
    """
    torch.set_num_threads(job.threads)
    began = time.perf_counter()
    models = {k: load_model(path, job.model, job.dataset) for k, path in job.snapshots.items()}
    models |= {copy_label(number): copy.deepcopy(models[DENSE]) for number in range(job.copies)}
    timing = Timing()
    loaded: dict[str, Run] = {}
    with torch.no_grad():
        for batch in job.batches:
            timing.samples[batch] = _time_batch(job, models, loaded, batch=batch, timing=timing)
    return replace(timing, seconds=time.perf_counter() - began)


def copy_label(number: int) -> str:
    """Under which a hidden copy of dense is timed."""
    return f"hidden copy {number} of dense"


def _time_batch(
    job: TimingJob,
    models: Mapping[str, nn.Module],
    loaded: dict[str, Run],
    *,
    batch: int,
    timing: Timing,
) -> dict[str, list[float]]:
    generator = torch.Generator().manual_seed(job.seed)
    inputs = torch.randn(batch, *job.dataset.shape, generator=generator)
    runs: dict[str, Run] = {}
    failures = timing.failures.setdefault(batch, {})
    for label, model in models.items():
        try:
            runs[label] = _prepared(job, label, model, inputs, loaded)
            off = _deviation(runs[label](inputs), model(inputs))
            timing.deviations[label] = max(off, timing.deviations.get(label, 0.0))
            if not off <= TOLERANCE:
                raise HarnessError(f"outputs differ from PyTorch's by {off:.2g} of the largest")
        except Exception as error:
            failures[label] = failure_reason(error)
            runs.pop(label, None)
    broken = [label for label in (DENSE, *map(copy_label, range(job.copies))) if label not in runs]
    if broken:
        reason = f"dense could not be run: {failures[broken[0]]}"
        failures.update(dict.fromkeys(models, reason))
        return {}
    timed = {label: partial(run, inputs) for label, run in runs.items()}
    return interleave(timed, seconds=job.seconds, seed=job.seed)


def _prepared(
    job: TimingJob, label: str, model: nn.Module, inputs: Tensor, loaded: dict[str, Run]
) -> Run:
    """The model on the backend; a shared graph serves every batch size and is loaded once."""
    if not isinstance(job.backend, SharesGraph):
        return job.backend.prepare(model, inputs)
    if label not in loaded:
        graph = shared_graph(job.backend, model, inputs, name=job.model.name, store=job.store)
        loaded[label] = job.backend.load(graph, model)
    return loaded[label]


def shared_graph(
    backend: SharesGraph, model: nn.Module, example: Tensor, *, name: str, store: ArtifactStore
) -> bytes:
    """The backend's export of the model's architecture, made once and kept by content key."""
    key = _graph_key(backend, model, example, name)
    if key not in store:
        content = backend.export(model, example)
        with store.writing(key) as folder:
            (folder / GRAPH).write_bytes(content)
    return (store.folder(key) / GRAPH).read_bytes()


def _graph_key(backend: SharesGraph, model: nn.Module, example: Tensor, name: str) -> str:
    facts = dict(backend.describe()) if isinstance(backend, Backend) else {}
    shapes = [[name, list(value.shape)] for name, value in model.state_dict().items()]
    found = digest([name, shapes, list(example.shape[1:]), facts, torch.__version__])
    return f"graph-{type(backend).__name__}-{found}"


def _deviation(found: Tensor, expected: Tensor) -> float:
    if found.shape != expected.shape:
        raise HarnessError(f"outputs are {tuple(found.shape)}, PyTorch's {tuple(expected.shape)}")
    largest = float(expected.abs().max())
    return float((found - expected).abs().max()) / max(largest, 1e-12)
