"""The memory phase of a run: every architecture on every backend, on all workers at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.contracts.backends import OnDevice, Simulates
from harness.conversion.deployment import Deployment
from harness.engines.engine import device_slot
from harness.measuring.memory_measurement import MemoryJob, ModelFile, measure_memory, write_files
from harness.trials.deployed_size import DeployedSizes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.engines.pool import WorkerPool
    from harness.measuring.timing_session import ReadyCell
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.grid import Cell

WARM_UP_BATCHES = (1, 8)
MAX_MEGABYTES = 1000.0
"""On disk for probes at a time."""


@dataclass(frozen=True, kw_only=True)
class MemoryTarget:
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
        """Targets with the same one are warmed up by the same small model."""
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
            dense=cell.dense,
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


def memory_targets(ready: Sequence[ReadyCell], store: ArtifactStore) -> Iterator[MemoryTarget]:
    """One for each architecture and backend that lacks a batch size, whatever number of snapshots."""
    deployed_sizes = DeployedSizes(store)
    first: dict[str, MemoryTarget] = {}
    batches: dict[str, set[int]] = defaultdict(set)
    for cell, level in ready:
        found = deployed_sizes.export_record(level.snapshot, cell.backend)
        # What a simulator tells of is another device; another device's memory is not this machine's.
        if found is None or found.failure or isinstance(cell.backend, OnDevice | Simulates):
            continue
        [fixed] = Deployment(backend=cell.backend, batches=(cell.batch,)).fixed or (0,)
        key = deployed_sizes.memory_key(found, cell)
        batches[key].add(cell.batch)
        target = MemoryTarget(
            key=key,
            cell=cell,
            snapshot=level.snapshot,
            file_mb=found.file_mb,
            batches=(),
            fixed=fixed,
        )
        first.setdefault(key, target)
    for key, target in first.items():
        known = deployed_sizes.recorded_peaks(key).keys()
        if not batches[key] <= known:
            # All of them again: a peak at one batch size counts those at smaller ones.
            yield replace(target, batches=tuple(sorted(batches[key] | known)))


class MemoryPhase:
    """Probes on `pool`, keeping each peak in `store`; what goes wrong is a note and no more."""

    def __init__(self, pool: WorkerPool, *, store: ArtifactStore) -> None:
        self._pool = replace(pool, whole="memory")
        self._store = store

    def measure(self, ready: Sequence[ReadyCell]) -> None:
        """Keep the peaks of everything that has none. What has been probed already costs nothing."""
        pending = list(memory_targets(ready, self._store))
        self._pool.observer.phase("memory", len(pending))
        if not pending:
            return
        with self._store.scratch() as folder:
            warm_up_files = self._write_warm_up_files(pending, folder)
            for number, chunk in enumerate(_chunks(pending)):
                paths = {t.label: folder / f"{number}-{place}" for place, t in enumerate(chunk)}
                self._probe(chunk, paths, warm_up_files)
                for path in paths.values():
                    path.unlink(missing_ok=True)

    def _write_warm_up_files(
        self, pending: Sequence[MemoryTarget], folder: Path
    ) -> dict[tuple[str, int], Path]:
        """Where the small model that warms a runtime up is."""
        runtimes = {target.runtime: target for target in pending}
        paths = {name: folder / f"specimen-{place}" for place, name in enumerate(runtimes)}
        small = [replace(target, snapshot="") for target in runtimes.values()]
        self._write([t.file(paths[t.runtime], self._store) for t in small])
        return paths

    def _probe(
        self,
        chunk: Sequence[MemoryTarget],
        paths: Mapping[str, Path],
        warm_up_files: Mapping[tuple[str, int], Path],
    ) -> None:
        self._write([target.file(paths[target.label], self._store) for target in chunk])
        jobs = {
            t.label: t.job(paths[t.label], warm_up_files[t.runtime])
            for t in chunk
            if paths[t.label].is_file()
        }
        keys = {target.label: target.key for target in chunk}
        slots = {t.label: device_slot(t.cell.backend, t.cell.device) for t in chunk}
        for label, outcome in self._pool.run(measure_memory, jobs, slots=slots):
            found = outcome.value
            if found is not None:
                DeployedSizes(self._store).record_peaks(keys[label], found.peaks)
            reason = outcome.failure if found is None else found.failure
            self._pool.observer.done(f"{label}: {reason or 'done'}", 1)

    def _write(self, files: Sequence[ModelFile]) -> None:
        """A share of the files for each worker: a process a file would take longer to start."""
        count = self._pool.engine.workers
        shares = {f"files of probes, {n}": files[n::count] for n in range(min(count, len(files)))}
        for _, outcome in self._pool.run(write_files, shares):
            reasons = outcome.value.failures.values() if outcome.value else [outcome.failure]
            for reason in reasons:
                self._pool.observer.note(f"memory cannot be measured: {reason}")


def _chunks(pending: Sequence[MemoryTarget]) -> Iterator[list[MemoryTarget]]:
    chunk: list[MemoryTarget] = []
    for target in pending:
        if chunk and sum(t.file_mb for t in chunk) + target.file_mb > MAX_MEGABYTES:
            yield chunk
            chunk = []
        chunk.append(target)
    yield chunk
