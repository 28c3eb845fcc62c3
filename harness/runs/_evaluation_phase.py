"""The evaluation phase of a run: every snapshot on every backend that does more than time it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.contracts.backends import Simulates, shares_time
from harness.machine.device import device_slot
from harness.measuring.backend_evaluation import (
    BackendEvaluation,
    BackendEvaluations,
    EvaluationJob,
    evaluate_on_backend,
    kept_evaluation,
    needs_evaluation,
)
from harness.measuring.deployed_size import DeployedSizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.engines.pool import WorkerPool
    from harness.measuring.timing_session import ReadyCell
    from harness.planning.grid import Cell
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.spec import Dense


def evaluate(
    ready: Sequence[ReadyCell], *, pool: WorkerPool, store: ArtifactStore
) -> BackendEvaluations:
    """Those of all cells' snapshots and dense models; what `store` keeps costs nothing."""
    pool = replace(pool, whole="inspecting")
    jobs = {(job.snapshot, job.backend.name): job for job in _jobs(ready, store)}
    evaluations = {key: kept for key, job in jobs.items() if (kept := kept_evaluation(job))}
    pending = [job for key, job in jobs.items() if key not in evaluations]
    if pending:
        pool.observer.phase("inspecting", len(pending))
    for wave in _waves(pending, store):
        slots = {label: device_slot(job.backend, job.device) for label, job in wave.items()}
        for label, outcome in pool.run(evaluate_on_backend, wave, slots=slots):
            job, result = wave[label], outcome.value
            evaluation = result.evaluation if result else BackendEvaluation(failure=outcome.failure)
            evaluations[job.snapshot, job.backend.name] = evaluation
            pool.observer.done(f"{label}: {evaluation.failure or 'done'}", 1)
    return BackendEvaluations(by_snapshot=evaluations)


def _jobs(ready: Sequence[ReadyCell], store: ArtifactStore) -> list[EvaluationJob]:
    batches: dict[tuple[str, str], set[int]] = defaultdict(set)
    cells: dict[tuple[str, str], tuple[Cell, Dense]] = {}
    for cell, level in ready:
        if needs_evaluation(cell.backend):
            # Dense is what the others are compared with, whether or not its own row is owed.
            for snapshot, network in ((cell.dense.key, cell.dense), (level.snapshot, cell.network)):
                batches[snapshot, cell.backend.name].add(cell.batch)
                cells[snapshot, cell.backend.name] = cell, network
    return [
        EvaluationJob(
            dense=network,
            snapshot=snapshot,
            backend=cell.backend,
            device=cell.device,
            batches=sorted(batches[snapshot, name]),
            store=store,
        )
        for (snapshot, name), (cell, network) in cells.items()
    ]


def _waves(pending: Sequence[EvaluationJob], store: ArtifactStore) -> list[dict[str, EvaluationJob]]:
    """What others take over from first, then the others."""
    first: dict[str, EvaluationJob] = {}
    second: dict[str, EvaluationJob] = {}
    begun: set[tuple[str, str]] = set()
    deployed_sizes = DeployedSizes(store)
    for job in pending:
        export_record = deployed_sizes.export_record(job.snapshot, job.backend)
        alike = job.backend.name, export_record.architecture if export_record else job.snapshot
        shares = isinstance(job.backend, Simulates) and shares_time(job.backend)
        (second if shares and alike in begun else first)[job.label] = job
        begun.add(alike)
    return [wave for wave in (first, second) if wave]
