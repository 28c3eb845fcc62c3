"""The memory phase of a run: every architecture on every backend, on all workers at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.contracts.backends import OnDevice, Simulates
from harness.conversion.deployment import Deployment
from harness.engines.engine import place_of
from harness.measuring.memory_measurement import File, ProbeJob, probe_memory, write_files
from harness.trials.footprint import Footprints

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.engines.pool import Workers
    from harness.measuring.timing_session import Member
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.grid import Cell

WARM_UP = (1, 8)
MOST_MEGABYTES = 1000.0
"""On disk for probes at a time."""


@dataclass(frozen=True, kw_only=True)
class Target:
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

    def file(self, path: Path, store: ArtifactStore) -> File:
        """What the probe loads."""
        cell = self.cell
        return File(
            dense=cell.dense,
            snapshot=self.snapshot,
            backend=cell.backend,
            batch=self.fixed or 1,
            store=store,
            path=path,
        )

    def job(self, path: Path, specimen: Path) -> ProbeJob:
        """The probe of what was written to `path`."""
        return ProbeJob(
            backend=self.cell.backend,
            file=path,
            specimen=specimen,
            shape=self.cell.dense.dataset.shape,
            batches=self.batches,
            warm_up=(self.fixed,) if self.fixed else WARM_UP,
            threads=self.cell.settings["threads"],
        )


def targets(members: Sequence[Member], store: ArtifactStore) -> Iterator[Target]:
    """One for each architecture and backend that lacks a batch size, whatever number of snapshots."""
    footprints = Footprints(store)
    first: dict[str, Target] = {}
    batches: dict[str, set[int]] = defaultdict(set)
    for cell, level in members:
        found = footprints.shipped(level.snapshot, cell.backend)
        # What a simulator tells of is another device; another device's memory is not this machine's.
        if found is None or found.failure or isinstance(cell.backend, OnDevice | Simulates):
            continue
        [fixed] = Deployment(backend=cell.backend, batches=(cell.batch,)).fixed or (0,)
        key = footprints.memory_key(found, cell)
        batches[key].add(cell.batch)
        target = Target(
            key=key,
            cell=cell,
            snapshot=level.snapshot,
            file_mb=found.file_mb,
            batches=(),
            fixed=fixed,
        )
        first.setdefault(key, target)
    for key, target in first.items():
        known = footprints.kept_peaks(key).keys()
        if not batches[key] <= known:
            # All of them again: a peak at one batch size counts those at smaller ones.
            yield replace(target, batches=tuple(sorted(batches[key] | known)))


class Prober:
    """Probes on `workers`, keeping each peak in `store`; what goes wrong is a note and no more."""

    def __init__(self, workers: Workers, *, store: ArtifactStore) -> None:
        self._workers = replace(workers, whole="memory")
        self._store = store

    def probe(self, members: Sequence[Member]) -> None:
        """Keep the peaks of everything that has none. What has been probed already costs nothing."""
        owed = list(targets(members, self._store))
        self._workers.observer.phase("memory", len(owed))
        if not owed:
            return
        with self._store.scratch() as folder:
            specimens = self._specimens(owed, folder)
            for number, part in enumerate(_parts(owed)):
                paths = {t.label: folder / f"{number}-{place}" for place, t in enumerate(part)}
                self._probe(part, paths, specimens)
                for path in paths.values():
                    path.unlink(missing_ok=True)

    def _specimens(self, owed: Sequence[Target], folder: Path) -> dict[tuple[str, int], Path]:
        """Where the small model that warms a runtime up is."""
        runtimes = {target.runtime: target for target in owed}
        paths = {name: folder / f"specimen-{place}" for place, name in enumerate(runtimes)}
        small = [replace(target, snapshot="") for target in runtimes.values()]
        self._write([t.file(paths[t.runtime], self._store) for t in small])
        return paths

    def _probe(
        self,
        part: Sequence[Target],
        paths: Mapping[str, Path],
        specimens: Mapping[tuple[str, int], Path],
    ) -> None:
        self._write([target.file(paths[target.label], self._store) for target in part])
        jobs = {
            t.label: t.job(paths[t.label], specimens[t.runtime])
            for t in part
            if paths[t.label].is_file()
        }
        keys = {target.label: target.key for target in part}
        places = {t.label: place_of(t.cell.backend, t.cell.device) for t in part}
        for label, outcome in self._workers.run(probe_memory, jobs, places=places):
            found = outcome.value
            if found is not None:
                Footprints(self._store).keep_peaks(keys[label], found.peaks)
            reason = outcome.failure if found is None else found.failure
            self._workers.observer.done(f"{label}: {reason or 'done'}", 1)

    def _write(self, files: Sequence[File]) -> None:
        """A share of the files for each worker: a process a file would take longer to start."""
        count = self._workers.engine.workers
        shares = {f"files of probes, {n}": files[n::count] for n in range(min(count, len(files)))}
        for _, outcome in self._workers.run(write_files, shares):
            reasons = outcome.value.failures.values() if outcome.value else [outcome.failure]
            for reason in reasons:
                self._workers.observer.note(f"memory cannot be measured: {reason}")


def _parts(owed: Sequence[Target]) -> Iterator[list[Target]]:
    part: list[Target] = []
    for target in owed:
        if part and sum(t.file_mb for t in part) + target.file_mb > MOST_MEGABYTES:
            yield part
            part = []
        part.append(target)
    yield part
