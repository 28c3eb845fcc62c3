"""The inspection phase of a run: every snapshot on every backend that does more than time it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.contracts.backends import Simulates
from harness.engines.engine import place_of
from harness.measuring.backend_evaluation import (
    Inspected,
    InspectionJob,
    Inspections,
    inspect,
    inspects,
    kept_inspection,
)
from harness.trials.footprint import Footprints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.engines.pool import Workers
    from harness.measuring.timing_session import Member
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.grid import Cell
    from harness.trials.spec import Dense


class Inspector:
    """Inspects on `workers`; what `store` keeps is not done again."""

    def __init__(self, workers: Workers, *, store: ArtifactStore) -> None:
        self._workers = replace(workers, whole="inspecting")
        self._store = store
        self._footprints = Footprints(store)

    def inspect(self, members: Sequence[Member]) -> Inspections:
        """What is known of every member's snapshot and its dense model."""
        jobs = self._jobs(members)
        found = {
            (job.snapshot, job.backend.name): known for job in jobs if (known := kept_inspection(job))
        }
        owed = [job for job in jobs if (job.snapshot, job.backend.name) not in found]
        if owed:
            self._workers.observer.phase("inspecting", len(owed))
        for wave in self._waves(owed):
            places = {label: place_of(job.backend, job.device) for label, job in wave.items()}
            for label, outcome in self._workers.run(inspect, wave, places=places):
                job, told = wave[label], outcome.value
                known = told.found if told else Inspected(failure=outcome.failure)
                found[job.snapshot, job.backend.name] = known
                self._workers.observer.done(f"{label}: {known.failure or 'done'}", 1)
        return Inspections(found=found)

    def _jobs(self, members: Sequence[Member]) -> list[InspectionJob]:
        batches: dict[tuple[str, str], set[int]] = defaultdict(set)
        places: dict[tuple[str, str], tuple[Dense, Cell]] = {}
        for cell, level in members:
            if inspects(cell.backend):
                # Dense is what the others are compared with, whether or not its own row is owed.
                for snapshot in (cell.dense.key, level.snapshot):
                    batches[snapshot, cell.backend.name].add(cell.batch)
                    places[snapshot, cell.backend.name] = cell.dense, cell
        return [
            InspectionJob(
                dense=dense,
                snapshot=snapshot,
                backend=cell.backend,
                device=cell.device,
                batches=sorted(batches[snapshot, name]),
                store=self._store,
            )
            for (snapshot, name), (dense, cell) in places.items()
        ]

    def _waves(self, owed: Sequence[InspectionJob]) -> list[dict[str, InspectionJob]]:
        """What others take over from first, then the others."""
        first: dict[str, InspectionJob] = {}
        second: dict[str, InspectionJob] = {}
        seen: set[tuple[str, str]] = set()
        for job in owed:
            shipped = self._footprints.shipped(job.snapshot, job.backend)
            alike = job.backend.name, shipped.architecture if shipped else job.snapshot
            shares = isinstance(job.backend, Simulates) and not job.backend.reads_weights
            (second if shares and alike in seen else first)[job.label] = job
            seen.add(alike)
        return [wave for wave in (first, second) if wave]
