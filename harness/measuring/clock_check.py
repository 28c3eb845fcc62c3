"""Experiments on the clock itself: does it see nothing where there is nothing, and 3 % where it is?

A session holds many copies of one snapshot, loaded and timed as any other: pairs of them are the same
model against itself, and some run on a backend that spends a known time more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from harness.conversion.slowed import slowed
from harness.engines.engine import place_of
from harness.machine.clock import Limits
from harness.machine.device import local_device
from harness.measuring.timing_process import DENSE, TimingJob, time_snapshots
from harness.ranking.intervals import Estimate, median
from harness.training.synthetic import NoiseImages
from harness.trials.snapshot import save_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.contracts.backends import Backend
    from harness.contracts.data import Model
    from harness.engines.engine import Place
    from harness.measuring.timing_results import Measured
    from harness.storage.artifacts import ArtifactStore

COPIES = 20
SLOWED = 10
CASES = COPIES
"""Of a model against itself, in one session: each copy against the next, the last against the first."""
IMAGE = (3, 32, 32)
SECONDS = 5.0
"""Of each process's rounds: loading so many copies takes longer still."""


@dataclass(frozen=True, kw_only=True)
class CopySession:
    """Copies of one snapshot, `slowed k` being one that takes `injected` of dense latency longer."""

    job: TimingJob
    injected: float
    nanoseconds: int

    @property
    def place(self) -> Place:
        """Where it is timed, alone."""
        return place_of(self.job.backend, local_device(self.job.backend), alone=True)

    @property
    def label(self) -> str:
        """What a person is shown."""
        return f"{COPIES} copies of {self.job.model.name} on {self.job.backend.name}"

    def alone(self) -> list[CopySession]:
        """Nothing smaller: a copy that dies is a clock that cannot be tested."""
        return [self]


def copy_session(
    backend: Backend, model: Model, store: ArtifactStore, *, injected: float, seed: int
) -> CopySession:
    """A session of copies of `model`, its norms away from zero; the extra time is measured here."""
    job = TimingJob(
        backend=backend,
        model=model,
        dataset=NoiseImages(shape=IMAGE),
        store=store,
        snapshots={DENSE: _snapshot(model, store)},
        batches=(1,),
        threads=1,
        limits=Limits(seconds=SECONDS),
        seed=seed,
    )
    own = median([time_snapshots(job).samples[1][DENSE]]).value
    nanoseconds = round(injected * own * 1e6)
    names = [f"copy {k}" for k in range(COPIES)] + [f"slowed {k}" for k in range(SLOWED)]
    slower = slowed(backend, nanoseconds)
    whole = replace(
        job,
        snapshots=dict.fromkeys([DENSE, *names], job.snapshots[DENSE]),
        others={name: slower for name in names if name.startswith("slowed")},
    )
    return CopySession(job=whole, injected=injected, nanoseconds=nanoseconds)


def _snapshot(model: Model, store: ArtifactStore) -> Path:
    key = f"{model.name}-copied"
    if key not in store:
        dataset = NoiseImages(shape=IMAGE)
        network = model.build(dataset)
        for norm in network.modules():
            # timm starts some norms at zero, and a converter would fold their branch away.
            if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.affine:
                nn.init.ones_(norm.weight)
        save_snapshot(store, key, network, dataset=dataset, history=[], train_seconds=0.0)
    return store.folder(key)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Cases: what a copy seems to save against its like, as fractions of its latency.

    `injected` pairs that with the extra time that was really spent, as the same fraction.
    `process_moves` and `session_moves` are ratios of a copy's latency to dense latency, less 1: in one
    process, and on average over a session's processes.
    """

    same: tuple[Estimate, ...]
    injected: tuple[tuple[Estimate, float], ...]
    process_moves: tuple[float, ...]
    session_moves: tuple[float, ...]
    processes: tuple[int, ...]

    @property
    def false_savings(self) -> int:
        """Copies that seem to save time against a copy of themselves."""
        return sum(found.low > 0.0 for found in self.same)

    @property
    def found_slower(self) -> int:
        """Slowed models that are found slower."""
        return sum(found.high < 0.0 for found, _ in self.injected)

    @property
    def errors(self) -> list[float]:
        """How far each slowed model's estimate is from the extra time that was spent."""
        return [-found.value - extra for found, extra in self.injected]


def proof_of(sessions: Sequence[Measured], extra: Sequence[float]) -> Proof:
    """Cases of all sessions; `extra` is the milliseconds that each one's slowed models spend more."""
    same: list[Estimate] = []
    injected: list[tuple[Estimate, float]] = []
    for measured, more in zip(sessions, extra, strict=True):
        same += [_relative(measured, f"copy {k}", f"copy {(k + 1) % COPIES}") for k in range(COPIES)]
        for k in range(SLOWED):
            share = more / measured.latency(1, f"copy {k}").value
            injected.append((_relative(measured, f"copy {k}", f"slowed {k}"), share))
    copies = [f"copy {k}" for k in range(COPIES)]
    return Proof(
        same=tuple(same),
        injected=tuple(injected),
        process_moves=tuple(move for one in sessions for move in _process_moves(one, copies)),
        session_moves=tuple(
            one.latency(1, copy).value / one.latency(1, DENSE).value - 1.0
            for one in sessions
            for copy in copies
        ),
        processes=tuple(len(measured.timings) for measured in sessions),
    )


def _relative(measured: Measured, ours: str, theirs: str) -> Estimate:
    """What `theirs` saves against `ours`, as a fraction of the latter's latency."""
    found, level = measured.saving(1, theirs, dense=ours), measured.latency(1, ours).value
    return Estimate(
        value=found.value / level,
        low=found.low / level,
        high=found.high / level,
        error=found.error / level,
    )


def _process_moves(measured: Measured, copies: Sequence[str]) -> Iterator[float]:
    dense = measured.samples(1, DENSE)
    for copy in copies:
        for ours, theirs in zip(measured.samples(1, copy), dense, strict=True):
            yield float(np.median(ours) / np.median(theirs)) - 1.0
