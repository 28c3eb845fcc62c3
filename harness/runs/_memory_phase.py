"""The memory phase of a run: every architecture on every backend, on all workers at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.contracts.backends import OnDevice, Simulates
from harness.conversion.deployment import Deployment
from harness.machine.device import device_slot
from harness.measuring.deployed_size import DeployedSizes
from harness.measuring.file_chunks import file_chunks
from harness.measuring.memory_measurement import (
    MemoryJob,
    ModelFile,
    measure_peaks,
    write_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.engines.pool import WorkerPool
    from harness.measuring.timing_session import ReadyCell
    from harness.planning.grid import Cell
    from harness.storage.artifacts import ArtifactStore

WARM_UP_BATCHES = (1, 8)


@dataclass(frozen=True, kw_only=True)
class PendingPeaks:
    """An architecture on a backend whose peaks are not known yet, and a snapshot of it.

    `fixed` is the only batch size that its file serves, 0 where it serves any.
    """

    key: str
    cell: Cell
    snapshot: str
    file_mb: float
    batches: tuple[int, ...]
    fixed: int

    @property
    def runtime(self) -> tuple[str, int]:
        """Those with the same one are warmed up by the same small model."""
        return self.cell.backend.name, self.fixed

    @property
    def label(self) -> str:
        """What a person is shown."""
        batch = f" at batch {self.fixed}" if self.fixed else ""
        return f"memory of {self.snapshot} on {self.cell.backend.name}{batch}"

    def file(self, path: Path, store: ArtifactStore) -> ModelFile:
        """What the probe loads."""
        cell = self.cell
        return ModelFile(
            dense=cell.network,
            snapshot=self.snapshot,
            backend=cell.backend,
            batch=self.fixed or 1,
            store=store,
            path=path,
        )

    def job(self, path: Path, warm_up_file: Path) -> MemoryJob:
        """The probe of what was written to `path`."""
        return MemoryJob(
            backend=self.cell.backend,
            file=path,
            warm_up_file=warm_up_file,
            shape=self.cell.dense.dataset.shape,
            batches=self.batches,
            warm_up=(self.fixed,) if self.fixed else WARM_UP_BATCHES,
            threads=self.cell.settings["threads"],
        )


def pending_peaks(ready: Sequence[ReadyCell], store: ArtifactStore) -> Iterator[PendingPeaks]:
    """One for each architecture and backend that lacks a batch size, whatever number of snapshots."""
    deployed_sizes = DeployedSizes(store)
    first: dict[str, PendingPeaks] = {}
    batches: dict[str, set[int]] = defaultdict(set)
    for cell, level in ready:
        record = deployed_sizes.export_record(level.snapshot, cell.backend)
        # What a simulator tells of is another device; another device's memory is not this machine's.
        if record is None or record.failure or isinstance(cell.backend, OnDevice | Simulates):
            continue
        [fixed] = Deployment(backend=cell.backend, batches=(cell.batch,)).fixed or (0,)
        key = deployed_sizes.memory_key(record, cell)
        batches[key].add(cell.batch)
        peaks = PendingPeaks(
            key=key,
            cell=cell,
            snapshot=level.snapshot,
            file_mb=record.file_mb,
            batches=(),
            fixed=fixed,
        )
        first.setdefault(key, peaks)
    for key, peaks in first.items():
        kept = deployed_sizes.recorded_peaks(key).keys()
        if not batches[key] <= kept:
            # All of them again: a peak at one batch size counts those at smaller ones.
            yield replace(peaks, batches=tuple(sorted(batches[key] | kept)))


def measure_memory(ready: Sequence[ReadyCell], *, pool: WorkerPool, store: ArtifactStore) -> None:
    """Keep in `store` the peaks of everything that has none; what goes wrong is a note and no more.

    What has been measured already costs nothing.
    """
    pending = list(pending_peaks(ready, store))
    pool.observer.phase("memory", len(pending))
    if not pending:
        return
    with store.scratch() as folder:
        measuring = _MemoryPhase(pool=replace(pool, whole="memory"), store=store, folder=folder)
        measuring.measure(pending)


@dataclass(frozen=True, kw_only=True)
class _MemoryPhase:
    """Measures on `pool` files that stand in `folder` meanwhile."""

    pool: WorkerPool
    store: ArtifactStore
    folder: Path

    def measure(self, pending: Sequence[PendingPeaks]) -> None:
        """All of them, so many at a time as the folder may hold."""
        warm_up_files = self._write_warm_up_files(pending)
        chunks = file_chunks(pending, lambda peaks: (peaks.key, peaks.file_mb))
        for number, chunk in enumerate(chunks):
            paths = {t.label: self.folder / f"{number}-{index}" for index, t in enumerate(chunk)}
            self._measure_chunk(chunk, paths, warm_up_files)
            for path in paths.values():
                path.unlink(missing_ok=True)

    def _write_warm_up_files(self, pending: Sequence[PendingPeaks]) -> dict[tuple[str, int], Path]:
        """Where the small model that warms a runtime up is."""
        runtimes = {peaks.runtime: peaks for peaks in pending}
        paths = {name: self.folder / f"specimen-{index}" for index, name in enumerate(runtimes)}
        small = [replace(peaks, snapshot="") for peaks in runtimes.values()]
        self._write([t.file(paths[t.runtime], self.store) for t in small])
        return paths

    def _measure_chunk(
        self,
        chunk: Sequence[PendingPeaks],
        paths: Mapping[str, Path],
        warm_up_files: Mapping[tuple[str, int], Path],
    ) -> None:
        self._write([peaks.file(paths[peaks.label], self.store) for peaks in chunk])
        jobs = {
            t.label: t.job(paths[t.label], warm_up_files[t.runtime])
            for t in chunk
            if paths[t.label].is_file()
        }
        keys = {peaks.label: peaks.key for peaks in chunk}
        slots = {t.label: device_slot(t.cell.backend, t.cell.device) for t in chunk}
        for label, outcome in self.pool.run(measure_peaks, jobs, slots=slots):
            memory = outcome.value
            if memory is not None:
                DeployedSizes(self.store).record_peaks(keys[label], memory.peaks)
            reason = outcome.failure if memory is None else memory.failure
            self.pool.observer.done(f"{label}: {reason or 'done'}", 1)

    def _write(self, files: Sequence[ModelFile]) -> None:
        """A share of the files for each worker: a process a file would take longer to start."""
        count = self.pool.engine.workers
        shares = {f"files of probes, {n}": files[n::count] for n in range(min(count, len(files)))}
        for _, outcome in self.pool.run(write_files, shares):
            reasons = outcome.value.failures.values() if outcome.value else [outcome.failure]
            for reason in reasons:
                self.pool.observer.note(f"memory cannot be measured: {reason}")
