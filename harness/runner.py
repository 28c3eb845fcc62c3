"""Carrying out a plan: trials, then timings, then rows; only what the ledger does not hold yet."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.artifacts import ArtifactStore
from harness.assembly import empty_row, measured_row
from harness.contracts import Preloads
from harness.engines.local import LocalEngine
from harness.environment import machine_facts
from harness.grid import Dense
from harness.jobs import DenseJob, TrialJob, run_dense, run_trial
from harness.ledger import Ledger
from harness.level import Level, finished_level, kept_level
from harness.measurement import (
    COPIES_BESIDE_DENSE,
    COPIES_BESIDE_TRIAL,
    DENSE,
    TimingJob,
    copy_label,
    time_snapshots,
)
from harness.noise import NoiseFloor
from harness.plan import trial_epochs
from harness.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.catalogue import Catalogue
    from harness.engines.local import Outcome
    from harness.grid import Cell, Trial
    from harness.measurement import Timing
    from harness.plan import Plan
    from harness.progress import Observer
    from harness.row import Row, Status

ARTIFACTS = "artifacts"
LOG = "log.txt"
TIMING_UNITS = 1.0
"""What a timing process weighs in the progress, in epochs."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a plan is carried out; `timing_seconds` caps the rounds of one batch size."""

    workers: int
    time_limit: float
    timing_seconds: float


def clear(folder: Path) -> None:
    """Forget the rows and artifacts of a run folder, so that everything is made again."""
    Ledger(folder).path.unlink(missing_ok=True)
    shutil.rmtree(folder / ARTIFACTS, ignore_errors=True)


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
        """One process for each subject on each backend, one after the other."""
        groups: dict[str, list[tuple[Cell, Level]]] = defaultdict(list)
        for cell in plan.able:
            level = self._level(cell, failures)
            if level.status == "ok":
                groups[f"{cell.subject.label} on {cell.backend.name}"].append((cell, level))
            else:
                self._write_empty(cell, level.status, level.reason)
        jobs = {label: self._timing_job(group, threads) for label, group in groups.items()}
        self._observer.phase("timing", TIMING_UNITS * len(jobs))
        engine = self._engine(plan, 1)
        noise = NoiseFloor(self._ledger.rows())
        for label, outcome in engine.run(time_snapshots, jobs, watching=self._observer.running):
            for cell, level in groups[label]:
                self._write(self._timed_row(cell, level, outcome, jobs[label], noise))
            self._observer.done(f"{label}: {outcome.failure or 'timed'}", TIMING_UNITS)

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

    def _timing_job(self, group: Sequence[tuple[Cell, Level]], threads: int) -> TimingJob:
        first, dense = group[0][0], group[0][0].dense
        alone = isinstance(first.subject, Dense)
        snapshots = {level.snapshot: self._store.folder(level.snapshot) for _, level in group}
        snapshots.pop(dense.key, None)
        return TimingJob(
            backend=first.backend,
            model=dense.model,
            dataset=dense.dataset,
            store=self._store,
            snapshots={DENSE: self._store.folder(dense.key), **snapshots},
            copies=COPIES_BESIDE_DENSE if alone else COPIES_BESIDE_TRIAL,
            batches=tuple(dict.fromkeys(cell.batch for cell, _ in group)),
            threads=threads,
            seconds=self._execution.timing_seconds,
            seed=dense.seed,
        )

    def _timed_row(
        self, cell: Cell, level: Level, outcome: Outcome[Timing], job: TimingJob, noise: NoiseFloor
    ) -> Row:
        timing, dense = outcome.value, cell.dense
        # Dense's own row compares it with a copy of itself, so that it shows a saving of nothing.
        label = copy_label(0) if level.snapshot == dense.key else level.snapshot
        if timing is None or label in timing.failures[cell.batch]:
            reason = outcome.failure if timing is None else timing.failures[cell.batch][label]
            return empty_row(cell, "failed", reason, self._machine)
        return measured_row(
            cell,
            level,
            snapshot=read_facts(self._store.folder(level.snapshot)),
            dense=read_facts(self._store.folder(dense.key)),
            timing=timing,
            label=label,
            noise=noise.at(cell, timing, job.copies),
            machine=self._machine,
        )

    def _write_empty(self, cell: Cell, status: Status, reason: str) -> None:
        self._write(empty_row(cell, status, reason, self._machine))

    def _write(self, row: Row) -> None:
        self._ledger.append(row)
        self._written += 1
        self._observer.rows(self._written)
        for problem in self._catalogue.announce(vars(row)):
            self._observer.note(problem)
