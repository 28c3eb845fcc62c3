"""Trial specification: dense models, and methods on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.contracts.data import Preprocesses, Pretrained, SharesImages, preprocessing_columns
from harness.contracts.granularity import pattern
from harness.contracts.pruners import PrunesOnly
from harness.contracts.schedule_rounds import rounds_of
from harness.storage.file_hash import file_hash
from harness.storage.keys import RECIPE_SCHEMA, dense_key, source_hash, trial_key
from harness.trials.target import Target
from harness.trials.training_budget import TrainingBudget, idle_reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.contracts.data import Dataset, Model
    from harness.contracts.evidence import Granularity, Scope
    from harness.contracts.granularity import Pattern
    from harness.contracts.pruners import Pruner
    from harness.contracts.schedules import Round, Schedule
    from harness.training.recipe import Recipe


def undefined_at(pruner: Pruner, scored: Granularity) -> str | None:
    """Reason why a criterion has no scores there, None where it has."""
    if not isinstance(pruner, PrunesOnly) or scored in pruner.granularities:
        return None
    return f"{pruner.name} is defined at granularity {', '.join(sorted(pruner.granularities))} only"


@dataclass(frozen=True, kw_only=True)
class Dense:
    """Dense model of one seed, unpruned: what every trial starts from, and a row of its own."""

    model: Model
    dataset: Dataset
    data_hash: str
    seed: int
    recipe: Recipe
    weights: Path | None = None
    reset_classifier: bool = False
    levels: tuple[float, ...] = (0.0,)
    impossible: str | None = None

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Settings: the columns of its rows that are known before it runs."""
        return {
            "model": self.model.name,
            "model_hash": source_hash(self.model),
            "dataset": self.dataset.name,
            "dataset_hash": source_hash(self.dataset),
            "data_hash": self.data_hash,
            "seed": self.seed,
            "recipe": RECIPE_SCHEMA,
            **asdict(self.recipe),
            "weights": self._weights,
            **_preprocessing_columns(self.dataset),
            "pruner": "dense",
        }

    @cached_property
    def key(self) -> str:
        """Content key, the same for the same settings on any machine."""
        return dense_key(self.settings)

    @property
    def _weights(self) -> str:
        """What names the weights that it begins with: a file without its classifier is another one."""
        without = " without its classifier" if self.reset_classifier else ""
        return file_hash(self.weights) + without if self.weights else ""

    @property
    def network(self) -> Dense:
        """Dense model whose architecture its snapshot is built from: itself."""
        return self

    @property
    def label(self) -> str:
        """Label for people."""
        return f"{self.model.name} dense seed {self.seed}"


def _preprocessing_columns(dataset: Dataset) -> dict[str, Any]:
    """Columns that say what its images become inputs by, as far as that is known."""
    columns: dict[str, Any] = {"input_size": dataset.shape[1]}
    if isinstance(dataset, Preprocesses):
        columns |= preprocessing_columns(dataset.preprocessing())
    if isinstance(dataset, SharesImages):
        columns["test_images_in_train"] = dataset.test_images_in_train()
    return columns


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Trial: one method on one model, dataset and seed; `levels` rise.

    `penalty_epochs` of each level are trained with the criterion's penalty, where it has one;
    `layer_floor` is the least fraction of each layer that stays; layers that `keep` names stay whole,
    and where `only` names some, all others do.
    """

    dense: Dense
    pruner: Pruner
    granularity: str
    scope: Scope
    schedule: Schedule
    levels: tuple[float, ...]
    target: Target = Target()
    penalty_epochs: float = 0.0
    layer_floor: float = 0.0
    keep: str = ""
    only: str = ""

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Settings: the columns of its rows that are known before it runs."""
        return {
            **self.dense.settings,
            "pruner": self.pruner.name,
            "pruner_hash": source_hash(self.pruner),
            "granularity": self.granularity,
            "scope": self.scope,
            "schedule": self.schedule.name,
            "schedule_hash": source_hash(self.schedule),
            "target": self.target.name,
            "clock": self.target.clock,
            "penalty_epochs": self.penalty_epochs,
            "layer_floor": self.layer_floor,
            "keep": self.keep,
            "only": self.only,
        }

    @cached_property
    def key(self) -> str:
        """Content key, the same for the same settings on any machine."""
        return trial_key(self.settings)

    @property
    def network(self) -> Dense:
        """Dense model whose architecture its snapshots are built from."""
        return self.dense

    @property
    def method(self) -> tuple[str, str, str, str]:
        """Method that a leaderboard ranks: pruner, granularity, scope and schedule."""
        return self.pruner.name, self.granularity, self.scope, self.schedule.name

    @property
    def label(self) -> str:
        """Label for people."""
        words = (self.pruner.name, self.granularity, self.schedule.name)
        return " ".join((self.dense.model.name, *words, f"seed {self.dense.seed}"))

    @cached_property
    def pattern(self) -> Pattern:
        """Pattern that the granularity names."""
        return pattern(self.granularity)

    @cached_property
    def impossible(self) -> str | None:
        """Reason why no level of it can run, as far as that is known beforehand."""
        reason = undefined_at(self.pruner, self.pattern.scored)
        if reason is not None:
            return reason
        allowed_scopes = self.pattern.scopes
        if self.scope not in allowed_scopes:
            allowed = ", ".join(allowed_scopes)
            return f"at granularity {self.granularity}, scope is one of {allowed}, not {self.scope!r}"
        if self.pattern.n_of_m and self.target.backend is not None:
            return f"{self.granularity} is a sparsity of its own: no other is there to search among"
        rounds = self._rounds()
        if self.pattern.n_of_m and len(rounds) > 1:
            return f"{self.granularity} leaves all at once, which {self.schedule.name} does not"
        budget = TrainingBudget(
            pruner=self.pruner,
            schedule=self.schedule.name,
            dataset=self.dense.dataset,
            recipe=self.dense.recipe,
            penalty_epochs=self.penalty_epochs,
            from_weights=self.dense.weights is not None or isinstance(self.dense.model, Pretrained),
        )
        return idle_reason(budget, rounds)

    def _rounds(self) -> Sequence[Round]:
        try:
            return rounds_of(self.schedule, self.levels[-1])
        except (Exception, SystemExit):
            # The trial itself meets the same error, where it becomes the reason of its rows.
            return []
