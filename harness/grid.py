"""The cross-product of axes: which trials there are, and which rows each of them owes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from harness.contracts import PrunesOnly, Scoped
from harness.errors import HarnessError
from harness.granularity import pattern
from harness.keys import RECIPE_SCHEMA, dense_key, file_hash, measurement_key, source_hash, trial_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.contracts import Backend, Dataset, Model, Pruner, Schedule, Scope
    from harness.granularity import Pattern
    from harness.recipe import Recipe, Target

ScopeChoice = Literal["published", "global", "local", "row", "erk", "isomorphic"]


@dataclass(frozen=True, kw_only=True)
class Dense:
    """The unpruned model of one seed: what every trial starts from, and a row of its own."""

    model: Model
    dataset: Dataset
    data_hash: str
    seed: int
    recipe: Recipe
    weights: Path | None = None
    levels: tuple[float, ...] = (0.0,)
    impossible: str | None = None

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The columns of its rows that say what was asked for."""
        return {
            "model": self.model.name,
            "model_hash": source_hash(self.model),
            "dataset": self.dataset.name,
            "dataset_hash": source_hash(self.dataset),
            "data_hash": self.data_hash,
            "seed": self.seed,
            "recipe": RECIPE_SCHEMA,
            **asdict(self.recipe),
            "weights": file_hash(self.weights) if self.weights else "",
            "pruner": "dense",
        }

    @cached_property
    def key(self) -> str:
        """The same for the same settings on any machine."""
        return dense_key(self.settings)

    @property
    def label(self) -> str:
        """What a person is shown."""
        return f"{self.model.name} dense seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One method on one model, dataset and seed; `levels` rise."""

    dense: Dense
    pruner: Pruner
    granularity: str
    scope: Scope
    schedule: Schedule
    levels: tuple[float, ...]
    target: Target = "params"

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The columns of its rows that say what was asked for."""
        return {
            **self.dense.settings,
            "pruner": self.pruner.name,
            "pruner_hash": source_hash(self.pruner),
            "granularity": self.granularity,
            "scope": self.scope,
            "schedule": self.schedule.name,
            "schedule_hash": source_hash(self.schedule),
            "target": self.target,
        }

    @cached_property
    def key(self) -> str:
        """The same for the same settings on any machine."""
        return trial_key(self.settings)

    @property
    def label(self) -> str:
        """What a person is shown."""
        words = (self.pruner.name, self.granularity, self.schedule.name)
        return " ".join((self.dense.model.name, *words, f"seed {self.dense.seed}"))

    @cached_property
    def pattern(self) -> Pattern:
        """The granularity taken apart."""
        return pattern(self.granularity)

    @property
    def impossible(self) -> str | None:
        """Why no level of it can run, known without running it."""
        scored, pruner = self.pattern.scored, self.pruner
        if isinstance(pruner, PrunesOnly) and scored not in pruner.granularities:
            allowed = ", ".join(sorted(pruner.granularities))
            return f"{pruner.name} is defined at granularity {allowed} only"
        allowed_scopes = self.pattern.scopes
        if self.scope not in allowed_scopes:
            return f"at granularity {self.granularity}, scope is one of {', '.join(allowed_scopes)}"
        if self.pattern.n_of_m and self._rounds() > 1:
            return f"{self.granularity} leaves all at once, which {self.schedule.name} does not"
        return None

    def _rounds(self) -> int:
        try:
            return len(self.schedule.rounds(self.levels[0]))
        except (Exception, SystemExit):
            # The trial itself meets the same error, where it becomes the reason of its rows.
            return 0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A row that is owed: one level of a subject on one backend at one batch size."""

    subject: Trial | Dense
    sparsity: float
    backend: Backend
    batch: int
    settings: dict[str, Any]
    key: str

    @property
    def dense(self) -> Dense:
        """The unpruned model that it is compared with."""
        return self.subject if isinstance(self.subject, Dense) else self.subject.dense


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every axis of a run, already resolved from names to plugins."""

    models: Sequence[Model]
    dataset: Dataset
    pruners: Sequence[Pruner]
    granularities: Sequence[str]
    scope: ScopeChoice
    schedules: Sequence[Schedule]
    levels: Sequence[float]
    seeds: Sequence[int]
    backends: Sequence[Backend]
    batches: Sequence[int]
    threads: int
    recipe: Recipe
    weights: Path | None = None
    target: Target = "params"

    def denses(self) -> list[Dense]:
        """One for every model and seed."""
        data_hash = self.dataset.fingerprint()
        return [
            Dense(
                model=model,
                dataset=self.dataset,
                data_hash=data_hash,
                seed=seed,
                recipe=self.recipe,
                weights=self.weights,
            )
            for model, seed in product(self.models, self.seeds)
        ]

    def trials(self, denses: Sequence[Dense]) -> list[Trial]:
        """One for every method and dense model."""
        levels = checked_levels(self.levels)
        axes = product(denses, self.pruners, self.granularities, self.schedules)
        return [
            Trial(
                dense=dense,
                pruner=pruner,
                granularity=granularity,
                scope=_scope(pruner, granularity, self.scope),
                schedule=schedule,
                levels=pattern(granularity).levels or levels,
                target=self.target,
            )
            for dense, pruner, granularity, schedule in axes
        ]

    def cells(self, subjects: Sequence[Trial | Dense]) -> Iterator[Cell]:
        """The rows that dense models and trials owe, level by level."""
        for subject, backend, batch in product(subjects, self.backends, self.batches):
            for level in subject.levels:
                yield self._cell(subject, level, backend, batch)

    def _cell(self, subject: Trial | Dense, level: float, backend: Backend, batch: int) -> Cell:
        facts = backend.describe()
        settings = {
            **subject.settings,
            "trial": subject.key,
            "sparsity": level,
            "backend": backend.name,
            "batch": batch,
            "threads": self.threads,
            "device": facts["device"],
            "runtime": facts["runtime"],
            "target": self.target,
        }
        return Cell(
            subject=subject,
            sparsity=level,
            backend=backend,
            batch=batch,
            settings=settings,
            key=measurement_key(settings),
        )


def checked_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Rising, without doubles. Raises HarnessError where one is not above 0 and below 1."""
    for level in levels:
        if not 0.0 < level < 1.0:
            raise HarnessError(f"a sparsity level is above 0 and below 1, not {level:g}")
    return tuple(sorted(set(levels)))


def _scope(pruner: Pruner, granularity: str, choice: ScopeChoice) -> Scope:
    found = pattern(granularity)
    if found.n_of_m:
        # What compares is m weights, whatever was asked for.
        return "local"
    if choice != "published":
        return choice
    published = pruner.scopes.get(found.scored, "global") if isinstance(pruner, Scoped) else "global"
    return published if published in found.scopes else "local"
