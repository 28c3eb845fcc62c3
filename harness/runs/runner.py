"""Carrying out a plan: trials, memory, timings, rows; only what the ledger does not hold yet."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from harness.contracts.backends import Simulates
from harness.engines.local import LocalEngine
from harness.engines.pool import WorkerPool
from harness.machine.clock import Limits
from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.stopping import stop_reason
from harness.measuring.timing_results import TimingResults, raw_samples
from harness.measuring.timing_scheduler import TimingScheduler
from harness.measuring.timing_session import plan_sessions
from harness.runs.evaluation_phase import EvaluationPhase
from harness.runs.memory_phase import MemoryPhase
from harness.runs.preloads import preloads_of
from harness.runs.row_writer import RowWriter
from harness.runs.training_phase import TrainingPhase
from harness.storage.artifacts import ARTIFACTS, ArtifactStore
from harness.storage.files import write_file
from harness.storage.keys import digest
from harness.storage.ledger import Ledger
from harness.trials.deployed_size import DeployedSizes
from harness.trials.level_result import LevelResult, level_result
from harness.trials.spec import Dense

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.discovery.catalogue import Catalogue
    from harness.engines.engine import Engine
    from harness.engines.observer import Observer
    from harness.engines.shard import Shard
    from harness.measuring.timing_session import ReadyCell, TimingSession
    from harness.runs.execution import Execution
    from harness.trials.grid import Cell
    from harness.trials.plan import Plan

SAMPLES = "samples"
LOG = "log.txt"
PROCESS_SECONDS = 1.0
"""Of sampling a batch size in one process: more processes tell more than more rounds."""


def clear(folder: Path) -> None:
    """Forget the rows, samples and artifacts of a run folder, so that everything is made again."""
    Ledger(folder).path.unlink(missing_ok=True)
    for name in (ARTIFACTS, SAMPLES):
        shutil.rmtree(folder / name, ignore_errors=True)


class Runner:
    """Carries out plans in a run folder, which the caller has locked.

    Where its time goes is added to `time_breakdown` where there is one.
    """

    def __init__(
        self,
        folder: Path,
        execution: Execution,
        *,
        catalogue: Catalogue,
        observer: Observer,
        time_breakdown: TimeBreakdown | None = None,
    ) -> None:
        self._folder = folder
        self._store = ArtifactStore(folder / ARTIFACTS)
        self._deployed_sizes = DeployedSizes(self._store)
        self._ledger = Ledger(folder)
        self._execution = execution
        self._observer = observer
        self._time_breakdown = time_breakdown or TimeBreakdown()
        self._rows = RowWriter(self._ledger, self._store, catalogue=catalogue, observer=observer)
        self._rows.meter = execution.meter

    def carry_out(self, plan: Plan, *, threads: int) -> None:
        """Write the row of every owed cell. A cell that cannot run becomes a row with its reason."""
        self._ledger.repair()
        self._store.sweep()
        self._observer.rows(0)
        for cell in plan.pending:
            if cell.impossible is not None:
                self._rows.empty(cell, "skipped", cell.impossible)
        if plan.runnable:
            workers = self._workers(plan)
            kept = self._execution.dense_from
            failures = TrainingPhase(workers, store=self._store, dense_from=kept).train(plan)
            ready = self._ready_cells(plan, failures)
            self._rows.evaluations = EvaluationPhase(workers, store=self._store).evaluate(ready)
            timed = self._simulated(ready)
            MemoryPhase(workers, store=self._store).measure(timed)
            self._time(plan, timed, threads=threads)

    def train(self, plan: Plan, shard: Shard) -> Mapping[str, str]:
        """Only train, beside others in the same folder; the reasons of what came to no end."""
        self._ledger.make_folder()
        return TrainingPhase(self._workers(plan), store=self._store).train(plan, shard)

    def _workers(self, plan: Plan) -> WorkerPool:
        return WorkerPool(
            engine=self._engine(plan), observer=self._observer, time_breakdown=self._time_breakdown
        )

    def _engine(self, plan: Plan) -> Engine:
        make = self._execution.engine or partial(LocalEngine, workers=self._execution.workers)
        return make(
            time_limit=self._execution.time_limit,
            log=self._folder / LOG,
            preloads=preloads_of(plan.dense_models[0].dataset),
            note=self._observer.note,
        )

    def _ready_cells(self, plan: Plan, failures: Mapping[str, str]) -> list[ReadyCell]:
        """The cells that have a snapshot; the others' rows are written."""
        ready: list[ReadyCell] = []
        for cell in plan.runnable:
            level = self._level(cell, failures)
            export_record = (
                self._deployed_sizes.export_record(level.snapshot, cell.backend)
                if level.snapshot
                else None
            )
            if level.status != "ok":
                self._rows.empty(cell, level.status, level.reason)
            elif export_record and export_record.failure:
                self._rows.empty(cell, "failed", f"export: {export_record.failure}")
            else:
                ready.append((cell, level))
        return ready

    def _simulated(self, ready: Sequence[ReadyCell]) -> list[ReadyCell]:
        """The members that are to be timed; rows of those that are simulated or fail are written."""
        timed: list[ReadyCell] = []
        for cell, level in ready:
            reason = self._rows.evaluations.failure(level.snapshot, cell)
            if reason:
                self._rows.empty(cell, "failed", reason)
            elif isinstance(cell.backend, Simulates):
                self._rows.simulated(cell, level)
            else:
                timed.append((cell, level))
        return timed

    def _time(self, plan: Plan, ready: Sequence[ReadyCell], *, threads: int) -> None:
        """All sessions, each process alone on its device among all harnesses there."""
        stopping_rule = self._execution.stopping_rule
        limits = Limits(
            precision=stopping_rule.precision, seconds=min(PROCESS_SECONDS, stopping_rule.seconds)
        )
        sessions = plan_sessions(
            ready,
            store=self._store,
            threads=threads,
            limits=limits,
            cores=self._execution.cores,
            meter=self._execution.meter,
        )
        self._observer.phase("timing", len(ready))
        scheduler = TimingScheduler(
            self._engine(plan),
            stop_check=partial(stop_reason, stopping_rule=stopping_rule),
            observer=self._observer,
            time_breakdown=self._time_breakdown,
        )
        for shard, found in scheduler.measure_all(sessions):
            self._write_session(shard, found)

    def _write_session(self, session: TimingSession, found: TimingResults | str) -> None:
        archive = ""
        if isinstance(found, TimingResults):
            archive = f"{digest([cell.key for cell, _ in session.ready])}.npz"
            write_file(self._folder / SAMPLES / archive, raw_samples(found))
        for cell, level in session.ready:
            self._rows.timed(cell, level, found, archive=archive)
        self._observer.done(session.label, len(session.ready))

    def _level(self, cell: Cell, failures: Mapping[str, str]) -> LevelResult:
        subject, dense = cell.subject, cell.dense
        if dense.key not in self._store:
            reason = f"dense training: {failures.get(dense.key, 'not done')}"
            return LevelResult(sparsity=cell.sparsity, status="failed", reason=reason)
        if isinstance(subject, Dense):
            return LevelResult(
                sparsity=0.0, status="ok", snapshot=dense.key, sparsity_reached=0.0, target_reached=0.0
            )
        level = level_result(subject, cell.sparsity, self._store)
        if level is None or (level.status == "failed" and subject.key in failures):
            reason = failures.get(subject.key, "its process left no result")
            return LevelResult(sparsity=cell.sparsity, status="failed", reason=reason)
        return level
