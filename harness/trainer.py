"""The training phase of a run: dense models, then trials, each in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from harness.artifacts import ARTIFACTS, ArtifactStore
from harness.footprint import Footprints
from harness.jobs import DenseJob, TrialJob, run_dense, run_trial
from harness.level import finished_level
from harness.work import trial_epochs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.deployment import Deployment
    from harness.engine import Place
    from harness.part import Part
    from harness.plan import Plan
    from harness.subject import Dense, Trial
    from harness.timesheet import Worked
    from harness.workers import Workers

Job = TypeVar("Job")


class Trainer:
    """Makes on `workers` what a plan needs and `store` lacks: snapshots and their exports."""

    def __init__(
        self, workers: Workers, *, store: ArtifactStore, dense_from: Path | None = None
    ) -> None:
        self._workers = workers
        self._dense_from = dense_from
        self._store = store
        self._footprints = Footprints(store)

    def train(self, plan: Plan, part: Part | None = None) -> dict[str, str]:
        """Dense models, then trials; why a subject's process came to no end, by its key.

        Where a `part` is given, no more than that.
        """
        needed = part.of("dense", plan.needed) if part else plan.needed
        owing = part.of("trials", plan.owing) if part else plan.owing
        self._take_over(needed)
        deployments = plan.deployments
        denses = {d.label: d for d in needed if not self._dense_finished(d, deployments)}
        trials = {t.label: t for t in owing if not self._finished(t, deployments)}
        units = {d.label: d.recipe.dense_epochs for d in denses.values()}
        units |= {t.label: trial_epochs(t) for t in trials.values()}
        self._workers.observer.phase("training", sum(units.values()))
        dense_jobs = {
            label: DenseJob(dense=dense, store=self._store, deployments=deployments)
            for label, dense in denses.items()
        }
        failures = self._work(run_dense, dense_jobs, units, {})
        trial_jobs = {
            label: TrialJob(trial=trial, store=self._store, deployments=deployments)
            for label, trial in trials.items()
            if trial.dense.key in self._store
        }
        clocks = {label: place for label in trial_jobs if (place := trials[label].target.place)}
        failures |= self._work(run_trial, trial_jobs, units, clocks)
        for label in trials.keys() - trial_jobs.keys():
            failures[label] = "its dense model was not trained"
            self._workers.observer.done(f"{label}: {failures[label]}", units[label])
        return {(denses | trials)[label].key: reason for label, reason in failures.items()}

    def _take_over(self, denses: Sequence[Dense]) -> None:
        if self._dense_from is not None:
            kept = ArtifactStore(self._dense_from / ARTIFACTS)
            taken = sum(self._store.take(kept, dense.key) for dense in denses)
            self._workers.observer.note(f"{taken} of {len(denses)} dense models are taken over")

    def _work(
        self,
        function: Callable[[Job], Worked],
        jobs: Mapping[str, Job],
        units: Mapping[str, float],
        places: Mapping[str, Place],
    ) -> dict[str, str]:
        failures = {}
        for label, outcome in self._workers.run(function, jobs, places=places):
            if outcome.failure:
                failures[label] = outcome.failure
            self._workers.observer.done(f"{label}: {outcome.failure or 'done'}", units[label])
        return failures

    def _dense_finished(self, dense: Dense, deployments: Sequence[Deployment]) -> bool:
        return dense.key in self._store and not self._footprints.unshipped(dense.key, deployments)

    def _finished(self, trial: Trial, deployments: Sequence[Deployment]) -> bool:
        """Whether nothing is left to do, exports that an earlier version did not keep among it."""
        levels = [finished_level(trial, sparsity, self._store) for sparsity in trial.levels]
        return all(
            level is not None
            and (level.status != "ok" or not self._footprints.unshipped(level.snapshot, deployments))
            for level in levels
        )
