"""A pruning case: one pruner on a small residual network at one granularity, as in a trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.evidence import GRANULARITIES
from harness.contracts.granularity import pattern
from harness.contracts.pruners import Scoped
from harness.networks.layers import prunable_weights
from harness.networks.surgery import coupled_layers
from harness.pruning.evidence import RecordedEvidence
from harness.pruning.mask_search import PruningBudget, total_cost, weight_costs
from harness.pruning.removal import choose_removal
from harness.pruning.scoring import CalibrationData, Scoring, scores_of
from harness.testing.requirements import require
from harness.training.synthetic import NoiseImages, residual_network

if TYPE_CHECKING:
    from torch import nn

    from harness.contracts.evidence import Granularity, Scope, Scores
    from harness.contracts.pruners import Pruner
    from harness.pruning.removal import Removal

SPARSITY = 0.25
"""What is removed: a criterion that scores one layer of the network alone can remove as much."""


@dataclass(frozen=True, kw_only=True)
class PruningCase:
    """A pruner on the network at one granularity."""

    pruner: Pruner
    granularity: Granularity
    model: nn.Module
    calibration: CalibrationData

    @classmethod
    def of(cls, pruner: Pruner, granularity: Granularity) -> PruningCase:
        """With seeded noise to calibrate on."""
        images, labels = NoiseImages().tensors
        batches = [(images[:32], labels[:32]), (images[32:], labels[32:])]
        calibration = CalibrationData(example=images[:2], batches=batches)
        return cls(
            pruner=pruner, granularity=granularity, model=residual_network(), calibration=calibration
        )

    @property
    def label(self) -> str:
        """What each sentence begins with."""
        return f"{self.pruner.name} at {self.granularity}"

    def scoring(self) -> Scoring:
        """Of evidence that nobody else has touched."""
        channel = self.granularity == "channel"
        coupled = coupled_layers(self.model, self.calibration.example) if channel else None
        evidence = RecordedEvidence(
            self.model,
            granularity=self.granularity,
            batches=self.calibration.batches,
            coupled=coupled,
            seed=0,
        )
        scores = scores_of(self.pruner, evidence)
        return Scoring(scores=scores, evidence=evidence, coupled=coupled, seconds=0.0)

    def budget(self) -> PruningBudget:
        """Three quarters of the weights, compared as the pruner's publication does."""
        costs = weight_costs(self.model, self.calibration.example, counted="params")
        shapes = {name: weight.shape for name, weight in prunable_weights(self.model).items()}
        return PruningBudget(
            level=SPARSITY,
            pattern=pattern(self.granularity),
            scope=published_scope(self.pruner, self.granularity),
            costs=costs,
            dense_cost=total_cost(shapes, costs),
        )

    def removal(self, pruner: Pruner, scoring: Scoring) -> Removal:
        """What `pruner` removes by the scores."""
        return choose_removal(
            pruner,
            self.model,
            scoring,
            masks={},
            example=self.calibration.example,
            budget=self.budget(),
        )


@dataclass(frozen=True)
class ScoresAlone:
    """A pruner that offers nothing but its scores."""

    name: str
    scores: Scores

    def score(self, evidence: object) -> Scores:  # noqa: ARG002 -- they are there already
        """Those that it was given."""
        return self.scores


def published_scope(pruner: Pruner, granularity: Granularity) -> Scope:
    """The published scope. Raises AssertionError where the granularity does not allow it."""
    if not isinstance(pruner, Scoped):
        return "global"
    unknown = sorted({*pruner.scopes} - {*GRANULARITIES})
    require(not unknown, f"{pruner.name}: scopes must be by granularity, and {unknown} are none")
    scope, allowed = pruner.scopes.get(granularity, "global"), pattern(granularity).scopes
    require(scope in allowed, f"{pruner.name} at {granularity}: scope {scope!r} is none of {allowed}")
    return scope
