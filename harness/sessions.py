"""Which snapshots are timed together, and what the several processes of a session found."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from harness.engine import place_of
from harness.estimates import median, process_weights, saving
from harness.measurement import COPY, DENSE, TimingJob
from harness.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.artifacts import ArtifactStore
    from harness.contracts import Meter
    from harness.engine import Place
    from harness.estimates import Estimate, Processes
    from harness.execution import Patience
    from harness.grid import Cell
    from harness.level import Level
    from harness.measurement import Timing
    from harness.stopwatch import Limits

Stop = Literal["precise", "plateau", "time", "processes"]

PLATEAU_PROCESSES = 8
MOST_SNAPSHOTS = 32
MOST_MEGABYTES = 1000.0
DISTURBED = 0.05
"""A hidden copy of dense that differs from it by more than this fraction, and surely, is no noise."""

Member = tuple["Cell", "Level"]


@dataclass(frozen=True, kw_only=True)
class Session:
    """Cells of one dense model on one backend whose snapshots take turns in the same processes."""

    members: tuple[Member, ...]
    job: TimingJob

    @property
    def place(self) -> Place:
        """Where it is timed, alone."""
        cell = self.members[0][0]
        return place_of(cell.backend, cell.device, alone=True)

    @property
    def label(self) -> str:
        """What a person is shown."""
        cell, count = self.members[0][0], len(self.job.snapshots) - 1
        what = f"dense and {count} snapshots" if count else "dense"
        return f"{cell.dense.model.name} seed {cell.dense.seed} on {cell.backend.name}: {what}"

    def alone(self) -> list[Session]:
        """A session for each trial: what is left to try where a process came to no end."""
        subjects: dict[str, list[Member]] = defaultdict(list)
        for cell, level in self.members:
            subjects[cell.subject.key].append((cell, level))
        return [_session(members, self.job) for members in subjects.values()]


def plan_sessions(
    members: Sequence[Member],
    *,
    store: ArtifactStore,
    threads: int,
    limits: Limits,
    cores: tuple[int, ...] = (),
    meter: Meter | None = None,
) -> list[Session]:
    """As many snapshots together as fit: dense is timed once for all of them."""
    groups: dict[tuple[str, str], list[Member]] = defaultdict(list)
    for cell, level in members:
        groups[cell.dense.key, cell.backend.name].append((cell, level))
    return [
        _session(part, replace(_job(part[0][0], store, limits, meter), threads=threads, cores=cores))
        for group in groups.values()
        for part in _parts(group, store)
    ]


def _parts(group: Sequence[Member], store: ArtifactStore) -> Iterator[list[Member]]:
    part: list[Member] = []
    sizes: dict[str, float] = {}
    for cell, level in sorted(group, key=lambda member: member[0].subject.label):
        size = read_facts(store.folder(level.snapshot)).size_mb
        grown = sizes | {level.snapshot: size}
        if part and (len(grown) > MOST_SNAPSHOTS or sum(grown.values()) > MOST_MEGABYTES):
            yield part
            part, grown = [], {level.snapshot: size}
        part.append((cell, level))
        sizes = grown
    yield part


def _job(cell: Cell, store: ArtifactStore, limits: Limits, meter: Meter | None) -> TimingJob:
    """The job of a session of nothing but dense."""
    return TimingJob(
        backend=cell.backend,
        model=cell.dense.model,
        dataset=cell.dense.dataset,
        store=store,
        snapshots={DENSE: store.folder(cell.dense.key)},
        batches=(cell.batch,),
        threads=1,
        limits=limits,
        seed=cell.dense.seed,
        meter=meter if meter is not None and meter.meters(cell.backend) else None,
    )


def _session(members: Sequence[Member], job: TimingJob) -> Session:
    snapshots: dict[str, Path] = {DENSE: job.snapshots[DENSE]}
    for cell, level in members:
        if level.snapshot != cell.dense.key:
            snapshots[level.snapshot] = job.store.folder(level.snapshot)
    batches = tuple(sorted({cell.batch for cell, _ in members}))
    return Session(members=tuple(members), job=replace(job, snapshots=snapshots, batches=batches))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the processes of one session found, and why there were no more of them.

    `steady` is false where a copy of dense stood out.
    """

    timings: tuple[Timing, ...]
    steady: bool = True
    stopped: str = ""

    def failure(self, batch: int, label: str) -> str | None:
        """Why a snapshot has no time at that batch size: the first process that says so."""
        found = (timing.failures.get(batch, {}).get(label) for timing in self.timings)
        return next((reason for reason in found if reason), None)

    def samples(self, batch: int, label: str) -> Processes:
        """Milliseconds by process and round."""
        return [timing.samples[batch][label] for timing in self.timings]

    def latency(self, batch: int, label: str) -> Estimate:
        """Median time (ms)."""
        return median(self.samples(batch, label), self._weights[batch])

    def saving(self, batch: int, label: str, *, dense: str = DENSE) -> Estimate:
        """What `label` saves against `dense` (ms), paired by process and round."""
        pairs = self.samples(batch, dense), self.samples(batch, label)
        return saving(*pairs, self._weights[batch])

    def joules(self, batch: int, label: str) -> float | None:
        """Energy of one inference, mean of processes; None where one of them does not know."""
        found = [timing.joules.get(batch, {}).get(label) for timing in self.timings]
        known = [value for value in found if value is not None]
        return fmean(known) if len(known) == len(found) else None

    @cached_property
    def _weights(self) -> dict[int, list[float]]:
        """Of the processes, by batch size."""
        batches = set.intersection(*(set(timing.samples) for timing in self.timings))
        return {
            batch: process_weights([[*timing.samples[batch].values()] for timing in self.timings])
            for batch in batches
        }

    def savings(self) -> Iterator[tuple[str, Estimate, float]]:
        """Label, saving and dense latency (ms) of what every process timed beside dense."""
        for batch in set.intersection(*(set(timing.samples) for timing in self.timings)):
            if self.failure(batch, DENSE) or self.failure(batch, COPY):
                continue
            dense = self.latency(batch, DENSE).value
            for label in self.timings[0].samples[batch]:
                if label != DENSE and not self.failure(batch, label):
                    yield label, self.saving(batch, label), dense


def disturbed(timings: Sequence[Timing]) -> bool:
    """Whether a hidden copy of dense surely differs by more than placement explains, at any batch."""
    return any(
        (found.low > 0.0 or found.high < 0.0) and abs(found.value) > DISTURBED * dense
        for label, found, dense in Measured(timings=tuple(timings)).savings()
        if label == COPY
    )


def why_enough(timings: Sequence[Timing], *, patience: Patience, seconds: float) -> Stop | None:
    """What ends a session that has these timings after so long; None where it should go on."""
    if len(timings) < patience.least:
        return None
    width = _widest(timings)
    if width <= patience.precision:
        return "precise"
    # Twice the processes should have made the interval 0.7 times as wide.
    half = len(timings) // 2
    if half >= PLATEAU_PROCESSES and width > _widest(timings[:half]):
        return "plateau"
    if seconds >= patience.seconds:
        return "time"
    return "processes" if len(timings) >= patience.most else None


def _widest(timings: Sequence[Timing]) -> float:
    """The largest half-width of a saving, as a fraction of dense latency; one process knows none."""
    if len(timings) < 2:
        return math.inf
    savings = Measured(timings=tuple(timings)).savings()
    return max(((found.high - found.low) / 2 / dense for _, found, dense in savings), default=0.0)
