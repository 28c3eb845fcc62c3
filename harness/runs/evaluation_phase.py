"""The inspection phase of a run: every snapshot on every backend that does more than time it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.contracts.backends import Simulates
from harness.machine.device import device_slot
from harness.measuring.backend_evaluation import (
    BackendEvaluation,
    BackendEvaluations,
    EvaluationJob,
    evaluate_on_backend,
    kept_evaluation,
    needs_evaluation,
)
from harness.trials.deployed_size import DeployedSizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.engines.pool import WorkerPool
    from harness.measuring.timing_session import ReadyCell
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.grid import Cell
    from harness.trials.spec import Dense


class EvaluationPhase:
    """Inspects on `pool`; what `store` keeps is not done again."""

    def __init__(self, pool: WorkerPool, *, store: ArtifactStore) -> None:
        self._pool = replace(pool, whole="inspecting")
        self._store = store
        self._deployed_sizes = DeployedSizes(store)

    def evaluate(self, ready: Sequence[ReadyCell]) -> BackendEvaluations:
        """What is known of every member's snapshot and its dense model."""
        jobs = self._jobs(ready)
        found = {
            (job.snapshot, job.backend.name): known for job in jobs if (known := kept_evaluation(job))
        }
        pending = [job for job in jobs if (job.snapshot, job.backend.name) not in found]
        if pending:
            self._pool.observer.phase("inspecting", len(pending))
        for wave in self._waves(pending):
            slots = {label: device_slot(job.backend, job.device) for label, job in wave.items()}
            for label, outcome in self._pool.run(evaluate_on_backend, wave, slots=slots):
                job, told = wave[label], outcome.value
                known = told.found if told else BackendEvaluation(failure=outcome.failure)
                found[job.snapshot, job.backend.name] = known
                self._pool.observer.done(f"{label}: {known.failure or 'done'}", 1)
        return BackendEvaluations(found=found)

    def _jobs(self, ready: Sequence[ReadyCell]) -> list[EvaluationJob]:
        batches: dict[tuple[str, str], set[int]] = defaultdict(set)
        slots: dict[tuple[str, str], tuple[Dense, Cell]] = {}
        for cell, level in ready:
            if needs_evaluation(cell.backend):
                # Dense is what the others are compared with, whether or not its own row is owed.
                for snapshot in (cell.dense.key, level.snapshot):
                    batches[snapshot, cell.backend.name].add(cell.batch)
                    slots[snapshot, cell.backend.name] = cell.dense, cell
        return [
            EvaluationJob(
                dense=dense,
                snapshot=snapshot,
                backend=cell.backend,
                device=cell.device,
                batches=sorted(batches[snapshot, name]),
                store=self._store,
            )
            for (snapshot, name), (dense, cell) in slots.items()
        ]

    def _waves(self, pending: Sequence[EvaluationJob]) -> list[dict[str, EvaluationJob]]:
        """What others take over from first, then the others."""
        first: dict[str, EvaluationJob] = {}
        second: dict[str, EvaluationJob] = {}
        seen: set[tuple[str, str]] = set()
        for job in pending:
            export_record = self._deployed_sizes.export_record(job.snapshot, job.backend)
            alike = job.backend.name, export_record.architecture if export_record else job.snapshot
            shares = isinstance(job.backend, Simulates) and not job.backend.reads_weights
            (second if shares and alike in seen else first)[job.label] = job
            seen.add(alike)
        return [wave for wave in (first, second) if wave]
