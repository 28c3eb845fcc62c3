"""Carrying out a plan: trials, memory, timings, rows; only what the ledger does not hold yet."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from harness.contracts.backends import Simulates
from harness.engines.local import LocalEngine
from harness.engines.pool import Workers
from harness.machine.clock import Limits
from harness.machine.time_breakdown import Timesheet
from harness.measuring.stopping import why_enough
from harness.measuring.timing_results import Measured, raw_samples
from harness.measuring.timing_scheduler import Timer
from harness.measuring.timing_session import plan_sessions
from harness.runs.evaluation_phase import Inspector
from harness.runs.memory_phase import Prober
from harness.runs.preloads import preloads_of
from harness.runs.row_writer import RowWriter
from harness.runs.train_phase import Trainer
from harness.storage.artifacts import ARTIFACTS, ArtifactStore
from harness.storage.files import write_file
from harness.storage.keys import digest
from harness.storage.ledger import Ledger
from harness.trials.footprint import Footprints
from harness.trials.level import Level, kept_level
from harness.trials.spec import Dense

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.discovery.catalogue import Catalogue
    from harness.engines.engine import Engine
    from harness.engines.observer import Observer
    from harness.engines.shard import Part
    from harness.measuring.timing_session import Member, Session
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

    Where its time goes is added to `timesheet` where there is one.
    """

    def __init__(
        self,
        folder: Path,
        execution: Execution,
        *,
        catalogue: Catalogue,
        observer: Observer,
        timesheet: Timesheet | None = None,
    ) -> None:
        self._folder = folder
        self._store = ArtifactStore(folder / ARTIFACTS)
        self._footprints = Footprints(self._store)
        self._ledger = Ledger(folder)
        self._execution = execution
        self._observer = observer
        self._timesheet = timesheet or Timesheet()
        self._rows = RowWriter(self._ledger, self._store, catalogue=catalogue, observer=observer)
        self._rows.meter = execution.meter

    def carry_out(self, plan: Plan, *, threads: int) -> None:
        """Write the row of every owed cell. A cell that cannot run becomes a row with its reason."""
        self._ledger.repair()
        self._store.sweep()
        self._observer.rows(0)
        for cell in plan.owed:
            if cell.impossible is not None:
                self._rows.empty(cell, "skipped", cell.impossible)
        if plan.able:
            workers = self._workers(plan)
            kept = self._execution.dense_from
            failures = Trainer(workers, store=self._store, dense_from=kept).train(plan)
            members = self._members(plan, failures)
            self._rows.inspections = Inspector(workers, store=self._store).inspect(members)
            timed = self._simulated(members)
            Prober(workers, store=self._store).probe(timed)
            self._time(plan, timed, threads=threads)

    def train(self, plan: Plan, part: Part) -> Mapping[str, str]:
        """Only train, beside others in the same folder; the reasons of what came to no end."""
        self._ledger.make_folder()
        return Trainer(self._workers(plan), store=self._store).train(plan, part)

    def _workers(self, plan: Plan) -> Workers:
        return Workers(engine=self._engine(plan), observer=self._observer, timesheet=self._timesheet)

    def _engine(self, plan: Plan) -> Engine:
        make = self._execution.engine or partial(LocalEngine, workers=self._execution.workers)
        return make(
            time_limit=self._execution.time_limit,
            log=self._folder / LOG,
            preloads=preloads_of(plan.denses[0].dataset),
            note=self._observer.note,
        )

    def _members(self, plan: Plan, failures: Mapping[str, str]) -> list[Member]:
        """The cells that have a snapshot; the others' rows are written."""
        members: list[Member] = []
        for cell in plan.able:
            level = self._level(cell, failures)
            shipped = self._footprints.shipped(level.snapshot, cell.backend) if level.snapshot else None
            if level.status != "ok":
                self._rows.empty(cell, level.status, level.reason)
            elif shipped and shipped.failure:
                self._rows.empty(cell, "failed", f"export: {shipped.failure}")
            else:
                members.append((cell, level))
        return members

    def _simulated(self, members: Sequence[Member]) -> list[Member]:
        """The members that are to be timed; rows of those that are simulated or fail are written."""
        timed: list[Member] = []
        for cell, level in members:
            reason = self._rows.inspections.failure(level.snapshot, cell)
            if reason:
                self._rows.empty(cell, "failed", reason)
            elif isinstance(cell.backend, Simulates):
                self._rows.simulated(cell, level)
            else:
                timed.append((cell, level))
        return timed

    def _time(self, plan: Plan, members: Sequence[Member], *, threads: int) -> None:
        """All sessions, each process alone on its device among all harnesses there."""
        patience = self._execution.patience
        limits = Limits(precision=patience.precision, seconds=min(PROCESS_SECONDS, patience.seconds))
        sessions = plan_sessions(
            members,
            store=self._store,
            threads=threads,
            limits=limits,
            cores=self._execution.cores,
            meter=self._execution.meter,
        )
        self._observer.phase("timing", len(members))
        timer = Timer(
            self._engine(plan),
            enough=partial(why_enough, patience=patience),
            observer=self._observer,
            timesheet=self._timesheet,
        )
        for part, found in timer.measure_all(sessions):
            self._write_session(part, found)

    def _write_session(self, session: Session, found: Measured | str) -> None:
        archive = ""
        if isinstance(found, Measured):
            archive = f"{digest([cell.key for cell, _ in session.members])}.npz"
            write_file(self._folder / SAMPLES / archive, raw_samples(found))
        for cell, level in session.members:
            self._rows.timed(cell, level, found, archive=archive)
        self._observer.done(session.label, len(session.members))

    def _level(self, cell: Cell, failures: Mapping[str, str]) -> Level:
        subject, dense = cell.subject, cell.dense
        if dense.key not in self._store:
            reason = f"dense training: {failures.get(dense.key, 'not done')}"
            return Level(sparsity=cell.sparsity, status="failed", reason=reason)
        if isinstance(subject, Dense):
            return Level(
                sparsity=0.0, status="ok", snapshot=dense.key, sparsity_reached=0.0, target_reached=0.0
            )
        level = kept_level(subject, cell.sparsity, self._store)
        if level is None or (level.status == "failed" and subject.key in failures):
            reason = failures.get(subject.key, "its process left no result")
            return Level(sparsity=cell.sparsity, status="failed", reason=reason)
        return level
