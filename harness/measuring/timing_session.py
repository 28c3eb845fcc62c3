"""Which snapshots are timed together, and what the several processes of a session found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.machine.device import device_slot
from harness.measuring.timing_process import DENSE, TimingJob
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.contracts.meters import Meter
    from harness.machine.clock import Limits
    from harness.machine.device import DeviceSlot
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.grid import Cell
    from harness.trials.level_result import LevelResult


MAX_SNAPSHOTS = 32
MAX_MEGABYTES = 1000.0

ReadyCell = tuple["Cell", "LevelResult"]


@dataclass(frozen=True, kw_only=True)
class TimingSession:
    """Cells of one dense model on one backend whose snapshots take turns in the same processes."""

    ready: tuple[ReadyCell, ...]
    job: TimingJob

    @property
    def slot(self) -> DeviceSlot:
        """Where it is timed, alone."""
        cell = self.ready[0][0]
        return device_slot(cell.backend, cell.device, exclusive=True)

    @property
    def label(self) -> str:
        """What a person is shown."""
        cell, count = self.ready[0][0], len(self.job.snapshots) - 1
        what = f"dense and {count} snapshots" if count else "dense"
        return f"{cell.dense.model.name} seed {cell.dense.seed} on {cell.backend.name}: {what}"

    def exclusive(self) -> list[TimingSession]:
        """A session for each trial: what is left to try where a process came to no end."""
        subjects: dict[str, list[ReadyCell]] = defaultdict(list)
        for cell, level in self.ready:
            subjects[cell.subject.key].append((cell, level))
        return [_session(ready, self.job) for ready in subjects.values()]


def plan_sessions(
    ready: Sequence[ReadyCell],
    *,
    store: ArtifactStore,
    threads: int,
    limits: Limits,
    cores: tuple[int, ...] = (),
    meter: Meter | None = None,
) -> list[TimingSession]:
    """As many snapshots together as fit: dense is timed once for all of them."""
    groups: dict[tuple[str, str], list[ReadyCell]] = defaultdict(list)
    for cell, level in ready:
        groups[cell.dense.key, cell.backend.name].append((cell, level))
    return [
        _session(chunk, replace(_job(chunk[0][0], store, limits, meter), threads=threads, cores=cores))
        for group in groups.values()
        for chunk in _chunks(group, store)
    ]


def _chunks(group: Sequence[ReadyCell], store: ArtifactStore) -> Iterator[list[ReadyCell]]:
    chunk: list[ReadyCell] = []
    sizes: dict[str, float] = {}
    for cell, level in sorted(group, key=lambda member: member[0].subject.label):
        size = read_facts(store.folder(level.snapshot)).size_mb
        grown = sizes | {level.snapshot: size}
        if chunk and (len(grown) > MAX_SNAPSHOTS or sum(grown.values()) > MAX_MEGABYTES):
            yield chunk
            chunk, grown = [], {level.snapshot: size}
        chunk.append((cell, level))
        sizes = grown
    yield chunk


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


def _session(ready: Sequence[ReadyCell], job: TimingJob) -> TimingSession:
    snapshots: dict[str, Path] = {DENSE: job.snapshots[DENSE]}
    for cell, level in ready:
        if level.snapshot != cell.dense.key:
            snapshots[level.snapshot] = job.store.folder(level.snapshot)
    batches = tuple(sorted({cell.batch for cell, _ in ready}))
    return TimingSession(ready=tuple(ready), job=replace(job, snapshots=snapshots, batches=batches))
