"""The training phase of a run: dense models, then trials, each in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.pruners import Rewrites, Steps
from harness.runs.training_jobs import DenseJob, TrialJob, run_training
from harness.storage.artifacts import ARTIFACTS, ArtifactStore
from harness.trials.deployed_size import DeployedSizes
from harness.trials.level_result import finished_level_result
from harness.trials.training_cost import trial_epochs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.conversion.deployment import Deployment
    from harness.engines.pool import WorkerPool
    from harness.engines.shard import Shard
    from harness.machine.device import DeviceSlot
    from harness.trials.plan import Plan
    from harness.trials.spec import Dense, Trial


class TrainingPhase:
    """Makes on `pool` what a plan needs and `store` lacks: snapshots and their exports."""

    def __init__(
        self, pool: WorkerPool, *, store: ArtifactStore, dense_from: Path | None = None
    ) -> None:
        self._pool = pool
        self._dense_from = dense_from
        self._store = store
        self._deployed_sizes = DeployedSizes(store)

    def train(self, plan: Plan, shard: Shard | None = None) -> dict[str, str]:
        """Dense models, then trials; why a subject's process came to no end, by its key.

        Where a `shard` is given, no more than that.
        """
        needed_dense_models = (
            shard.of("dense", plan.needed_dense_models) if shard else plan.needed_dense_models
        )
        pending_trials = shard.of("trials", plan.pending_trials) if shard else plan.pending_trials
        self._take_over(needed_dense_models)
        deployments = plan.deployments
        dense_models = {
            d.label: d for d in needed_dense_models if not self._dense_finished(d, deployments)
        }
        # The longest first: at the end there are only short ones to wait for.
        pending_trials = sorted(pending_trials, key=_effort, reverse=True)
        trials = {t.label: t for t in pending_trials if not self._finished(t, deployments)}
        units = {d.label: d.recipe.dense_epochs for d in dense_models.values()}
        units |= {t.label: trial_epochs(t) for t in trials.values()}
        self._pool.observer.phase("training", sum(units.values()))
        dense_jobs = {
            label: DenseJob(dense=dense, store=self._store, deployments=deployments)
            for label, dense in dense_models.items()
        }
        trial_jobs = {
            label: TrialJob(trial=trial, store=self._store, deployments=deployments)
            for label, trial in trials.items()
        }
        slots = {label: slot for label, trial in trials.items() if (slot := trial.target.slot)}
        if slots:
            # What times is alone: nothing else is to be left then.
            failures = self._run_jobs(dense_jobs, {}, units)
            failures |= self._run_jobs({}, trial_jobs, units, slots)
        else:
            failures = self._run_jobs(dense_jobs, trial_jobs, units)
        return {(dense_models | trials)[label].key: reason for label, reason in failures.items()}

    def _take_over(self, dense_models: Sequence[Dense]) -> None:
        if self._dense_from is not None:
            kept = ArtifactStore(self._dense_from / ARTIFACTS)
            taken = sum(self._store.take(kept, dense.key) for dense in dense_models)
            self._pool.observer.note(f"{taken} of {len(dense_models)} dense models are taken over")

    def _run_jobs(
        self,
        dense_models: Mapping[str, DenseJob],
        trials: Mapping[str, TrialJob],
        units: Mapping[str, float],
        slots: Mapping[str, DeviceSlot] | None = None,
    ) -> dict[str, str]:
        """Why jobs came to no end; a trial begins as soon as its dense model is there."""
        training = {job.dense.key for job in dense_models.values()}
        waiting = {label: job for label, job in trials.items() if job.trial.dense.key in training}
        ready = {label: job for label, job in trials.items() if label not in waiting}
        jobs: dict[str, DenseJob | TrialJob] = {**dense_models, **self._startable(ready)}
        failures, expected = {}, len(dense_models) + len(trials)
        for label, outcome in self._pool.run(run_training, jobs, slots=slots, expected=expected):
            if outcome.failure:
                failures[label] = outcome.failure
            if label in dense_models:
                key = dense_models[label].dense.key
                own = {name: job for name, job in waiting.items() if job.trial.dense.key == key}
                jobs.update(self._startable(own))
            self._pool.observer.done(f"{label}: {outcome.failure or 'done'}", units[label])
        for label in trials.keys() - jobs.keys():
            failures[label] = "its dense model was not trained"
            self._pool.observer.done(f"{label}: {failures[label]}", units[label])
        return failures

    def _startable(self, trials: Mapping[str, TrialJob]) -> dict[str, TrialJob]:
        """Those whose dense model is there."""
        return {label: job for label, job in trials.items() if job.trial.dense.key in self._store}

    def _dense_finished(self, dense: Dense, deployments: Sequence[Deployment]) -> bool:
        return dense.key in self._store and not self._deployed_sizes.pending_exports(
            dense.key, deployments
        )

    def _finished(self, trial: Trial, deployments: Sequence[Deployment]) -> bool:
        """Whether nothing is left to do, exports that an earlier version did not keep among it."""
        levels = [finished_level_result(trial, sparsity, self._store) for sparsity in trial.levels]
        return all(
            level is not None
            and (
                level.status != "ok"
                or not self._deployed_sizes.pending_exports(level.snapshot, deployments)
            )
            for level in levels
        )


def _effort(trial: Trial) -> tuple[bool, bool, float]:
    """More where a trial takes longer, as far as is known before it begins."""
    pruner = trial.pruner
    return isinstance(pruner, Steps), isinstance(pruner, Rewrites), trial_epochs(trial)
