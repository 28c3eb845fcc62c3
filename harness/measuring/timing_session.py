"""Which snapshots are timed together, and what the several processes of a session found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.engines.engine import place_of
from harness.measuring.timing_process import DENSE, TimingJob
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.contracts.meters import Meter
    from harness.engines.engine import Place
    from harness.machine.clock import Limits
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.grid import Cell
    from harness.trials.level import Level


MOST_SNAPSHOTS = 32
MOST_MEGABYTES = 1000.0

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
