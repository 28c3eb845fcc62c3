"""The training phase of a run: dense models, then trials, each in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.pruners import Rewrites, Steps
from harness.runs.train_jobs import DenseJob, TrialJob, run_training
from harness.storage.artifacts import ARTIFACTS, ArtifactStore
from harness.trials.epochs import trial_epochs
from harness.trials.footprint import Footprints
from harness.trials.level import finished_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.conversion.deployment import Deployment
    from harness.engines.engine import Place
    from harness.engines.pool import Workers
    from harness.engines.shard import Part
    from harness.trials.plan import Plan
    from harness.trials.spec import Dense, Trial


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
        # The longest first: at the end there are only short ones to wait for.
        owing = sorted(owing, key=_effort, reverse=True)
        trials = {t.label: t for t in owing if not self._finished(t, deployments)}
        units = {d.label: d.recipe.dense_epochs for d in denses.values()}
        units |= {t.label: trial_epochs(t) for t in trials.values()}
        self._workers.observer.phase("training", sum(units.values()))
        dense_jobs = {
            label: DenseJob(dense=dense, store=self._store, deployments=deployments)
            for label, dense in denses.items()
        }
        trial_jobs = {
            label: TrialJob(trial=trial, store=self._store, deployments=deployments)
            for label, trial in trials.items()
        }
        places = {label: place for label, trial in trials.items() if (place := trial.target.place)}
        if places:
            # What times is alone: nothing else is to be left then.
            failures = self._work(dense_jobs, {}, units)
            failures |= self._work({}, trial_jobs, units, places)
        else:
            failures = self._work(dense_jobs, trial_jobs, units)
        return {(denses | trials)[label].key: reason for label, reason in failures.items()}

    def _take_over(self, denses: Sequence[Dense]) -> None:
        if self._dense_from is not None:
            kept = ArtifactStore(self._dense_from / ARTIFACTS)
            taken = sum(self._store.take(kept, dense.key) for dense in denses)
            self._workers.observer.note(f"{taken} of {len(denses)} dense models are taken over")

    def _work(
        self,
        denses: Mapping[str, DenseJob],
        trials: Mapping[str, TrialJob],
        units: Mapping[str, float],
        places: Mapping[str, Place] | None = None,
    ) -> dict[str, str]:
        """Why jobs came to no end; a trial begins as soon as its dense model is there."""
        training = {job.dense.key for job in denses.values()}
        waiting = {label: job for label, job in trials.items() if job.trial.dense.key in training}
        ready = {label: job for label, job in trials.items() if label not in waiting}
        jobs: dict[str, DenseJob | TrialJob] = {**denses, **self._startable(ready)}
        failures, expected = {}, len(denses) + len(trials)
        for label, outcome in self._workers.run(run_training, jobs, places=places, expected=expected):
            if outcome.failure:
                failures[label] = outcome.failure
            if label in denses:
                key = denses[label].dense.key
                own = {name: job for name, job in waiting.items() if job.trial.dense.key == key}
                jobs.update(self._startable(own))
            self._workers.observer.done(f"{label}: {outcome.failure or 'done'}", units[label])
        for label in trials.keys() - jobs.keys():
            failures[label] = "its dense model was not trained"
            self._workers.observer.done(f"{label}: {failures[label]}", units[label])
        return failures

    def _startable(self, trials: Mapping[str, TrialJob]) -> dict[str, TrialJob]:
        """Those whose dense model is there."""
        return {label: job for label, job in trials.items() if job.trial.dense.key in self._store}

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


def _effort(trial: Trial) -> tuple[bool, bool, float]:
    """More where a trial takes longer, as far as is known before it begins."""
    pruner = trial.pruner
    return isinstance(pruner, Steps), isinstance(pruner, Rewrites), trial_epochs(trial)
