"""Carrying out a plan: trials, then timings, then rows; only what the ledger does not hold yet."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.artifacts import ARTIFACTS, ArtifactStore, write_file
from harness.assembly import empty_row, least_milliseconds, measured_row
from harness.contracts import Preloads
from harness.engines.local import LocalEngine
from harness.environment import machine_facts
from harness.grid import Dense
from harness.jobs import DenseJob, TrialJob, run_dense, run_trial
from harness.keys import digest
from harness.lane import exclusive
from harness.ledger import Ledger
from harness.level import Level, finished_level, kept_level
from harness.measurement import DENSE
from harness.plan import trial_epochs
from harness.sessions import Measured, plan_sessions, why_enough
from harness.snapshot import read_facts
from harness.stopwatch import Limits
from harness.timer import Timer, raw_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.catalogue import Catalogue
    from harness.execution import Execution
    from harness.grid import Cell, Trial
    from harness.plan import Plan
    from harness.progress import Observer
    from harness.row import Row, Status
    from harness.sessions import Session

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
    """Carries out plans in a run folder, which the caller has locked."""

    def __init__(
        self, folder: Path, execution: Execution, *, catalogue: Catalogue, observer: Observer
    ) -> None:
        self._folder = folder
        self._store = ArtifactStore(folder / ARTIFACTS)
        self._ledger = Ledger(folder)
        self._execution = execution
        self._catalogue = catalogue
        self._observer = observer
        self._machine = machine_facts()
        self._written = 0

    def carry_out(self, plan: Plan, *, threads: int) -> None:
        """Write the row of every owed cell. A cell that cannot run becomes a row with its reason."""
        self._ledger.repair()
        self._store.sweep()
        self._observer.rows(0)
        for cell in plan.owed:
            if cell.subject.impossible is not None:
                self._write_empty(cell, "skipped", cell.subject.impossible)
        if plan.able:
            failures = self._train(plan)
            self._time(plan, failures, threads=threads)

    def _train(self, plan: Plan) -> dict[str, str]:
        """Dense models, then trials; why a subject's process came to no end, by its key."""
        self._take_over(plan.needed)
        backends = list({cell.backend.name: cell.backend for cell in plan.able}.values())
        denses = {dense.label: dense for dense in plan.needed if dense.key not in self._store}
        trials = {t.label: t for t in plan.owing if not self._finished(t)}
        units = {d.label: d.recipe.dense_epochs for d in denses.values()}
        units |= {t.label: trial_epochs(t) for t in trials.values()}
        self._observer.phase("training", sum(units.values()))
        dense_jobs = {
            label: DenseJob(dense=dense, store=self._store, backends=backends)
            for label, dense in denses.items()
        }
        failures = self._work(plan, run_dense, dense_jobs, units)
        trial_jobs = {
            label: TrialJob(trial=trial, store=self._store, backends=backends)
            for label, trial in trials.items()
            if trial.dense.key in self._store
        }
        failures |= self._work(plan, run_trial, trial_jobs, units)
        return {(denses | trials)[label].key: reason for label, reason in failures.items()}

    def _take_over(self, denses: Sequence[Dense]) -> None:
        if self._execution.dense_from is not None:
            kept = ArtifactStore(self._execution.dense_from / ARTIFACTS)
            taken = sum(self._store.take(kept, dense.key) for dense in denses)
            self._observer.note(f"{taken} of {len(denses)} dense models are taken over")

    def _work(
        self,
        plan: Plan,
        function: Callable[[Any], Any],
        jobs: Mapping[str, Any],
        units: Mapping[str, float],
    ) -> dict[str, str]:
        failures = {}
        engine = self._engine(plan, self._execution.workers)
        for label, outcome in engine.run(function, jobs, watching=self._observer.running):
            if outcome.failure:
                failures[label] = outcome.failure
            self._observer.done(f"{label}: {outcome.failure or 'done'}", units[label])
        return failures

    def _engine(self, plan: Plan, workers: int) -> LocalEngine:
        dataset = plan.denses[0].dataset
        return LocalEngine(
            workers=workers,
            time_limit=self._execution.time_limit,
            log=self._folder / LOG,
            preloads=tuple(dataset.preloads) if isinstance(dataset, Preloads) else (),
        )

    def _finished(self, trial: Trial) -> bool:
        return all(finished_level(trial, level, self._store) for level in trial.levels)

    def _time(self, plan: Plan, failures: Mapping[str, str], *, threads: int) -> None:
        """Sessions one after the other, each alone on its device among all harnesses here."""
        members: list[tuple[Cell, Level]] = []
        for cell in plan.able:
            level = self._level(cell, failures)
            if level.status == "ok":
                members.append((cell, level))
            else:
                self._write_empty(cell, level.status, level.reason)
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
        enough = partial(why_enough, patience=patience)
        timer = Timer(self._engine(plan, 1), enough=enough, observer=self._observer)
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
            return Level(sparsity=0.0, status="ok", snapshot=dense.key, sparsity_reached=0.0)
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
