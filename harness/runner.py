"""Carrying out a plan: trials, memory, timings, rows; only what the ledger does not hold yet."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.artifacts import ARTIFACTS, ArtifactStore, write_file
from harness.assembly import empty_row, least_milliseconds, measured_row
from harness.engines.local import LocalEngine, preloads_of
from harness.environment import machine_facts
from harness.footprint import Footprints
from harness.keys import digest
from harness.lane import exclusive
from harness.ledger import Ledger
from harness.level import Level, kept_level
from harness.measurement import DENSE
from harness.prober import Prober
from harness.sessions import Measured, plan_sessions, why_enough
from harness.snapshot import read_facts
from harness.stopwatch import Limits
from harness.subject import Dense
from harness.timer import Timer, raw_samples
from harness.timesheet import Timesheet
from harness.trainer import Trainer
from harness.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.catalogue import Catalogue
    from harness.execution import Execution
    from harness.grid import Cell
    from harness.plan import Plan
    from harness.progress import Observer
    from harness.row import Row, Status
    from harness.sessions import Member, Session

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
        self._catalogue = catalogue
        self._observer = observer
        self._timesheet = timesheet or Timesheet()
        self._machine = machine_facts()
        self._written = 0

    def carry_out(self, plan: Plan, *, threads: int) -> None:
        """Write the row of every owed cell. A cell that cannot run becomes a row with its reason."""
        self._ledger.repair()
        self._store.sweep()
        self._observer.rows(0)
        for cell in plan.owed:
            if cell.impossible is not None:
                self._write_empty(cell, "skipped", cell.impossible)
        if plan.able:
            workers = Workers(
                engine=self._engine(plan, self._execution.workers),
                observer=self._observer,
                timesheet=self._timesheet,
            )
            kept = self._execution.dense_from
            failures = Trainer(workers, store=self._store, dense_from=kept).train(plan)
            members = self._members(plan, failures)
            Prober(workers, store=self._store).probe(members)
            self._time(plan, members, threads=threads)

    def _engine(self, plan: Plan, workers: int) -> LocalEngine:
        return LocalEngine(
            workers=workers,
            time_limit=self._execution.time_limit,
            log=self._folder / LOG,
            preloads=preloads_of(plan.denses[0].dataset),
        )

    def _members(self, plan: Plan, failures: Mapping[str, str]) -> list[Member]:
        """The cells that have a snapshot; the others' rows are written."""
        members: list[Member] = []
        for cell in plan.able:
            level = self._level(cell, failures)
            if level.status == "ok":
                members.append((cell, level))
            else:
                self._write_empty(cell, level.status, level.reason)
        return members

    def _time(self, plan: Plan, members: Sequence[Member], *, threads: int) -> None:
        """Sessions one after the other, each alone on its device among all harnesses here."""
        patience = self._execution.patience
        limits = Limits(precision=patience.precision, seconds=min(PROCESS_SECONDS, patience.seconds))
        sessions = plan_sessions(
            members,
            store=self._store,
            threads=threads,
            limits=limits,
            cores=self._execution.cores,
        )
        self._observer.phase("timing", len(members))
        timer = Timer(
            self._engine(plan, 1),
            enough=partial(why_enough, patience=patience),
            observer=self._observer,
            timesheet=self._timesheet,
        )
        for session in sessions:
            device = session.members[0][0].settings["device"]
            with exclusive(device, waiting=self._observer.note):
                for part, found in timer.measure(session):
                    self._write_session(part, found)

    def _write_session(self, session: Session, found: Measured | str) -> None:
        archive = ""
        if isinstance(found, Measured):
            archive = f"{digest([cell.key for cell, _ in session.members])}.npz"
            write_file(self._folder / SAMPLES / archive, raw_samples(found))
        for cell, level in session.members:
            self._write(self._timed_row(cell, level, found, archive))
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

    def _timed_row(self, cell: Cell, level: Level, found: Measured | str, archive: str) -> Row:
        label = DENSE if level.snapshot == cell.dense.key else level.snapshot
        reason = found if isinstance(found, str) else found.failure(cell.batch, label)
        if isinstance(found, str) or reason:
            return empty_row(cell, "failed", reason or "", self._machine)
        snapshot = read_facts(self._store.folder(level.snapshot))
        row = measured_row(
            cell,
            level,
            snapshot=snapshot,
            dense=read_facts(self._store.folder(cell.dense.key)),
            taken=self._footprints.of(cell, level),
            measured=found,
            machine=self._machine,
        )
        floor = least_milliseconds(cell, snapshot.macs)
        if (row.latency_ms or 0.0) < floor:
            reason = f"{row.latency_ms:.3g} ms is less than the {floor:.3g} ms that the device needs"
            return empty_row(cell, "failed", reason, self._machine)
        return replace(row, samples=archive)

    def _write_empty(self, cell: Cell, status: Status, reason: str) -> None:
        self._write(empty_row(cell, status, reason, self._machine))

    def _write(self, row: Row) -> None:
        self._ledger.append(row)
        self._written += 1
        self._observer.rows(self._written)
        for problem in self._catalogue.announce(vars(row)):
            self._observer.note(problem)
