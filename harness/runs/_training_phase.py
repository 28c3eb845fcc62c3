"""The training phase of a run: dense models, then trials, each in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from harness.contracts.pruners import Rewrites, Steps
from harness.errors import DamagedError
from harness.measuring.deployed_size import DeployedSizes
from harness.planning.training_cost import trial_epochs
from harness.runs._training_jobs import DenseJob, TrialJob, run_training
from harness.storage.artifacts import ARTIFACTS, ArtifactStore
from harness.trials.level_result import LevelResult, finished_level_result, level_result
from harness.trials.rival import Rival
from harness.trials.spec import Dense

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.conversion.deployment import Deployment
    from harness.engines.pool import WorkerPool
    from harness.engines.shard import Shard
    from harness.machine.device import DeviceSlot
    from harness.planning.grid import Cell
    from harness.planning.plan import Plan
    from harness.trials.spec import Trial


def train(
    plan: Plan,
    *,
    pool: WorkerPool,
    store: ArtifactStore,
    dense_from: Path | None = None,
    shard: Shard | None = None,
) -> dict[str, str]:
    """Make what a plan needs and `store` lacks: dense models, then trials, and their exports.

    Only a share of it where a `shard` is given; dense models that the run folder `dense_from` keeps
    are copied. Returns why a subject's process came to no end, by the subject's key.
    """
    dense_models: Sequence[Dense] = [*plan.needed_dense_models, *plan.ahead]
    trials: Sequence[Trial | Rival] = plan.pending_trials
    if shard is not None:
        dense_models, trials = shard.of("dense", dense_models), shard.of("trials", trials)
    if dense_from is not None:
        _take_over(dense_models, ArtifactStore(dense_from / ARTIFACTS), store=store, pool=pool)
    return _TrainingPhase(pool=pool, store=store, deployments=plan.deployments).train(
        dense_models, trials
    )


def training_results(
    cells: Iterable[Cell], failures: Mapping[str, str], *, store: ArtifactStore
) -> Iterator[tuple[Cell, LevelResult]]:
    """What training left of each cell, a model that runs on its backend or why there is none.

    `failures` are those of `train`.
    """
    deployed_sizes = DeployedSizes(store)
    for cell in cells:
        level = _level(cell, failures, store)
        record = (
            deployed_sizes.export_record(level.snapshot, cell.backend) if level.status == "ok" else None
        )
        if record and record.failure:
            level = replace(level, status="failed", reason=f"export: {record.failure}")
        yield cell, level


def _level(cell: Cell, failures: Mapping[str, str], store: ArtifactStore) -> LevelResult:
    subject, dense = cell.subject, cell.dense
    if dense.key not in store:
        reason = f"dense training: {failures.get(dense.key, 'not done')}"
        return LevelResult(sparsity=cell.sparsity, status="failed", reason=reason)
    if isinstance(subject, Dense):
        return LevelResult(
            sparsity=0.0, status="ok", snapshot=dense.key, sparsity_reached=0.0, target_reached=0.0
        )
    level = level_result(subject, cell.sparsity, store)
    if level is None or (level.status == "failed" and subject.key in failures):
        reason = failures.get(subject.key, "its process left no result")
        return LevelResult(sparsity=cell.sparsity, status="failed", reason=reason)
    return level


def _take_over(
    dense_models: Sequence[Dense], kept: ArtifactStore, *, store: ArtifactStore, pool: WorkerPool
) -> None:
    count = 0
    for dense in dense_models:
        try:
            count += store.take(kept, dense.key)
        except DamagedError as error:
            pool.observer.note(f"{kept.root}: {error}: {dense.label} is trained here")
    pool.observer.note(f"{count} of {len(dense_models)} dense models are taken over")


@dataclass(frozen=True, kw_only=True)
class _TrainingPhase:
    """Trains on `pool` what `store` lacks, and exports it for `deployments`."""

    pool: WorkerPool
    store: ArtifactStore
    deployments: Sequence[Deployment]

    def train(self, dense_models: Sequence[Dense], trials: Sequence[Trial | Rival]) -> dict[str, str]:
        """Why subjects' processes came to no end, by key; what is finished is not done again."""
        dense_jobs = {
            dense.label: DenseJob(dense=dense, store=self.store, deployments=self.deployments)
            for dense in dense_models
            if not self._dense_finished(dense)
        }
        # The longest first: at the end there are only short ones to wait for.
        trial_jobs = {
            trial.label: TrialJob(trial=trial, store=self.store, deployments=self.deployments)
            for trial in sorted(trials, key=_effort, reverse=True)
            if not self._trial_finished(trial)
        }
        units = {label: job.dense.recipe.dense_epochs for label, job in dense_jobs.items()}
        units |= {label: trial_epochs(job.trial) for label, job in trial_jobs.items()}
        self.pool.observer.phase("training", sum(units.values()))
        failures = self._run_all(dense_jobs, trial_jobs, units)
        keys = {label: job.dense.key for label, job in dense_jobs.items()}
        keys |= {label: job.trial.key for label, job in trial_jobs.items()}
        return {keys[label]: reason for label, reason in failures.items()}

    def _run_all(
        self,
        dense_jobs: Mapping[str, DenseJob],
        trial_jobs: Mapping[str, TrialJob],
        units: Mapping[str, float],
    ) -> dict[str, str]:
        slots = {label: slot for label, job in trial_jobs.items() if (slot := job.trial.target.slot)}
        if not slots:
            return self._run_jobs(dense_jobs, trial_jobs, units)
        # What times is alone: nothing else is to be left then.
        failures = self._run_jobs(dense_jobs, {}, units)
        return failures | self._run_jobs({}, trial_jobs, units, slots)

    def _run_jobs(
        self,
        dense_jobs: Mapping[str, DenseJob],
        trial_jobs: Mapping[str, TrialJob],
        units: Mapping[str, float],
        slots: Mapping[str, DeviceSlot] | None = None,
    ) -> dict[str, str]:
        """Why jobs came to no end; a trial begins as soon as its dense model is there."""
        training = {job.dense.key for job in dense_jobs.values()}
        waiting = {label: job for label, job in trial_jobs.items() if job.trial.dense.key in training}
        ready = {label: job for label, job in trial_jobs.items() if label not in waiting}
        jobs: dict[str, DenseJob | TrialJob] = {**dense_jobs, **self._startable(ready)}
        failures, expected = {}, len(dense_jobs) + len(trial_jobs)
        for label, outcome in self.pool.run(run_training, jobs, slots=slots, expected=expected):
            if outcome.failure:
                failures[label] = outcome.failure
            if label in dense_jobs:
                key = dense_jobs[label].dense.key
                own = {name: job for name, job in waiting.items() if job.trial.dense.key == key}
                jobs.update(self._startable(own))
            self.pool.observer.done(f"{label}: {outcome.failure or 'done'}", units[label])
            if label in trial_jobs:
                self.show_search(trial_jobs[label].trial)
        for label in trial_jobs.keys() - jobs.keys():
            failures[label] = "its dense model was not trained"
            self.pool.observer.done(f"{label}: {failures[label]}", units[label])
        return failures

    def show_search(self, trial: Trial | Rival) -> None:
        """Show how levels were searched on a clock."""
        for sparsity in trial.levels if trial.target.backend is not None else ():
            level = level_result(trial, sparsity, self.store)
            if level and level.facts.search:
                steps_tried = [step.split(":") for step in level.facts.search.split()]
                steps = ", ".join(
                    f"{tried} {'is more than can leave' if left == '-' else f'saves {float(left):.1%}'}"
                    for tried, left in steps_tried
                )
                note = f"  searching level {sparsity:g} of {trial.target.name}: sparsity {steps}"
                self.pool.observer.note(note)

    def _startable(self, trial_jobs: Mapping[str, TrialJob]) -> dict[str, TrialJob]:
        """Those whose dense model is there."""
        return {label: job for label, job in trial_jobs.items() if job.trial.dense.key in self.store}

    def _dense_finished(self, dense: Dense) -> bool:
        return dense.key in self.store and not self._pending_exports(dense.key)

    def _trial_finished(self, trial: Trial | Rival) -> bool:
        """Whether nothing is left to do, exports that an earlier version did not keep among it."""
        levels = [finished_level_result(trial, sparsity, self.store) for sparsity in trial.levels]
        return all(
            level is not None and (level.status != "ok" or not self._pending_exports(level.snapshot))
            for level in levels
        )

    def _pending_exports(self, snapshot: str) -> list[Deployment]:
        return self.deployed_sizes.pending_exports(snapshot, self.deployments)

    @cached_property
    def deployed_sizes(self) -> DeployedSizes:
        """Which exports there are."""
        return DeployedSizes(self.store)


def _effort(trial: Trial | Rival) -> tuple[bool, bool, float]:
    """More where a trial takes longer, as far as is known before it begins."""
    pruner = None if isinstance(trial, Rival) else trial.pruner
    return isinstance(pruner, Steps), isinstance(pruner, Rewrites), trial_epochs(trial)
