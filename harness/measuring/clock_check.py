"""Experiments on the clock itself: does it see nothing where there is nothing, and 3 % where it is?

A session holds many copies of one snapshot, loaded and timed as any other: pairs of them are the same
model against itself, and some run on a backend that spends a known time more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from harness.conversion.slowed import slowed_backend
from harness.machine.local_devices import local_device
from harness.measuring.stopping import StoppingRule
from harness.measuring.timing_process import TimingJob, time_snapshots
from harness.measuring.timing_results import DENSE
from harness.measuring.timing_session import TimingItem, TimingSession
from harness.networks.layers import prunable_weights
from harness.ranking.intervals import Estimate, mean_of_medians
from harness.training.synthetic import NoiseImages
from harness.trials.snapshot import save_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.contracts.backends import Backend
    from harness.contracts.data import Model
    from harness.measuring.timing_results import TimingResults
    from harness.storage.artifacts import ArtifactStore

COPIES = 20
SLOWED_COPIES = 10
TWINS = 4
"""Models of the same architecture with other weights, every second one with hardly any but zeros."""
TWIN_ZEROS = 0.95
CASES = COPIES
"""Of a model against itself, in one session: each copy against the next, the last against the first."""
IMAGE = (3, 32, 32)
STOPPING_RULE = StoppingRule(seconds=600.0, process_seconds=5.0)
"""Loading so many copies takes longer than timing them does."""


@dataclass(frozen=True, kw_only=True)
class SlowedCopies:
    """Some of a session's copies, `slowed k` by name, that take so much longer."""

    nanoseconds: int


def copy_session(
    backend: Backend, model: Model, store: ArtifactStore, *, injected: float, seed: int
) -> TimingSession[SlowedCopies]:
    """A session of copies of `model`, some slowed by the fraction `injected` of its latency."""
    dense = _snapshot(model, store)
    nanoseconds = round(
        injected * _latency_ms(backend, model, dense=dense, store=store, seed=seed) * 1e6
    )
    slower = slowed_backend(backend, nanoseconds)
    slowed_names = [f"slowed {k}" for k in range(SLOWED_COPIES)]
    names = [*(f"copy {k}" for k in range(COPIES)), *slowed_names]
    twins = {f"twin {k}": _snapshot(model, store, twin=k + 1) for k in range(TWINS)}
    job = _job(
        backend,
        model,
        store=store,
        snapshots=dict.fromkeys([DENSE, *names], dense) | twins,
        others=dict.fromkeys(slowed_names, slower),
        seed=seed,
    )
    # All in one group: a copy that dies is a clock that cannot be tested.
    copies = TimingItem(
        origin=SlowedCopies(nanoseconds=nanoseconds),
        labels=(*names, *twins),
        batches=job.batches,
        group="copies",
    )
    return TimingSession(items=(copies,), job=job, device=local_device(backend), title=_title)


def _latency_ms(
    backend: Backend, model: Model, *, dense: Path, store: ArtifactStore, seed: int
) -> float:
    """Of the model alone, in this process."""
    job = _job(backend, model, store=store, snapshots={DENSE: dense}, others={}, seed=seed)
    return mean_of_medians([time_snapshots(job).samples[1][DENSE]]).value


def _job(
    backend: Backend,
    model: Model,
    *,
    store: ArtifactStore,
    snapshots: Mapping[str, Path],
    others: Mapping[str, Backend],
    seed: int,
) -> TimingJob:
    return TimingJob(
        backend=backend,
        model=model,
        dataset=NoiseImages(shape=IMAGE),
        store=store,
        snapshots=snapshots,
        batches=(1,),
        threads=1,
        limits=STOPPING_RULE.limits,
        seed=seed,
        others=others,
    )


def _title(job: TimingJob) -> str:
    return f"{COPIES} copies of {job.model.name} on {job.backend.name}"


def _snapshot(model: Model, store: ArtifactStore, *, twin: int = 0) -> Path:
    """Folder of the model with weights of its own; every second twin's are mostly zeros."""
    key = f"{model.name}-copied-{twin}"
    if key not in store:
        dataset = NoiseImages(shape=IMAGE)
        torch.manual_seed(twin)
        network = model.build(dataset)
        for norm in network.modules():
            # timm starts some norms at zero, and a converter would fold their branch away.
            if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.affine:
                nn.init.ones_(norm.weight)
        if twin % 2:
            for weight in prunable_weights(network).values():
                weight.data.mul_(torch.rand_like(weight) >= TWIN_ZEROS)
        save_snapshot(store, key, network, model=model, dataset=dataset, history=[], train_seconds=0.0)
    return store.folder(key)


@dataclass(frozen=True, kw_only=True)
class ClockCheck:
    """Cases: what a copy seems to save against its like, as fractions of its latency.

    `injected` pairs that with the extra time that was really spent, as the same fraction. `twins` are
    what models of the same architecture with other weights seem to save against a copy.
    `process_moves` and `session_moves` are ratios of a copy's latency to dense latency, less 1: in one
    process, and on average over a session's processes.
    """

    same: tuple[Estimate, ...]
    injected: tuple[tuple[Estimate, float], ...]
    twins: tuple[Estimate, ...]
    process_moves: tuple[float, ...]
    session_moves: tuple[float, ...]
    processes: tuple[int, ...]

    @property
    def false_savings(self) -> int:
        """Copies that seem to save time against a copy of themselves."""
        return sum(saved.low > 0.0 for saved in self.same)

    @property
    def differing_twins(self) -> int:
        """Twins whose time surely differs from a copy's."""
        return sum(saved.low > 0.0 or saved.high < 0.0 for saved in self.twins)

    @property
    def judged_slower(self) -> int:
        """Slowed models that are found slower."""
        return sum(saved.high < 0.0 for saved, _ in self.injected)

    @property
    def errors(self) -> list[float]:
        """How far each slowed model's estimate is from the extra time that was spent."""
        return [-saved.value - extra for saved, extra in self.injected]


def clock_check(sessions: Sequence[TimingResults], extra: Sequence[float]) -> ClockCheck:
    """Cases of all sessions; `extra` is the milliseconds that each one's slowed models spend more."""
    same: list[Estimate] = []
    injected: list[tuple[Estimate, float]] = []
    for results, more in zip(sessions, extra, strict=True):
        same += [_relative(results, f"copy {k}", f"copy {(k + 1) % COPIES}") for k in range(COPIES)]
        for k in range(SLOWED_COPIES):
            share = more / results.latency(1, f"copy {k}").value
            injected.append((_relative(results, f"copy {k}", f"slowed {k}"), share))
    copies = [f"copy {k}" for k in range(COPIES)]
    return ClockCheck(
        same=tuple(same),
        injected=tuple(injected),
        twins=tuple(
            _relative(results, f"copy {k}", f"twin {k}") for results in sessions for k in range(TWINS)
        ),
        process_moves=tuple(move for one in sessions for move in _process_moves(one, copies)),
        session_moves=tuple(
            one.latency(1, copy).value / one.latency(1, DENSE).value - 1.0
            for one in sessions
            for copy in copies
        ),
        processes=tuple(len(results.timings) for results in sessions),
    )


def _relative(results: TimingResults, ours: str, theirs: str) -> Estimate:
    """What `theirs` saves against `ours`, as a fraction of the latter's latency."""
    saved, own = results.saving(1, theirs, dense=ours), results.latency(1, ours).value
    return Estimate(
        value=saved.value / own,
        low=saved.low / own,
        high=saved.high / own,
        error=saved.error / own,
    )


def _process_moves(results: TimingResults, copies: Sequence[str]) -> Iterator[float]:
    dense = results.samples(1, DENSE)
    for copy in copies:
        for ours, theirs in zip(results.samples(1, copy), dense, strict=True):
            yield float(np.median(ours) / np.median(theirs)) - 1.0
