"""Which weights stay: masks that meet what a level asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from harness.contracts.pruners import MakesMasks
from harness.errors import HarnessError
from harness.pruning.layers import layers_of, prunable_weights, watching
from harness.pruning.masks import block_masks, n_of_m_masks, removed_first, weight_masks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from harness.contracts.evidence import Evidence, Scope
    from harness.contracts.granularity import Pattern
    from harness.contracts.pruners import Pruner, Scores
    from harness.pruning.masks import Masks

SPARSITY_PRECISION = 1e-6
"""How near a sparsity that is searched for comes to the budget."""


@dataclass(frozen=True, kw_only=True)
class PruningBudget:
    """How much is to leave and how: `level` is a fraction of what the dense model costs.

    `costs` is what one number of each weight costs, `whole` what all of the dense model's do.
    """

    level: float
    pattern: Pattern
    scope: Scope
    costs: Mapping[str, float] = field(repr=False)
    whole: float

    @property
    def allowance(self) -> float:
        """What may stay, in what `whole` counts."""
        return (1.0 - self.level) * self.whole

    @property
    def even(self) -> bool:
        """Whether every weight costs the same."""
        return len(set(self.costs.values())) == 1


def select_masks(
    pruner: Pruner,
    scores: Scores,
    evidence: Evidence,
    *,
    masks: Mapping[str, Tensor],
    budget: PruningBudget,
) -> Masks:
    """Keep masks of the lowest sparsity whose rest is within the budget, `masks` being in force.

    Raises HarnessError where a criterion's own masks are not shaped like its weights.
    """
    if isinstance(pruner, MakesMasks) and budget.pattern.name == "weight":
        return _within_budget(partial(_made_masks, pruner, evidence, masks), budget)
    prunable = {name: scores[name] for name in evidence.weights}
    return _within_budget(partial(_scored_masks, removed_first(prunable, masks), budget), budget)


def _made_masks(
    pruner: MakesMasks, evidence: Evidence, masks: Mapping[str, Tensor], sparsity: float
) -> Masks:
    weights = evidence.weights
    made = pruner.masks(evidence, sparsity)
    for name, keep in made.items():
        if name not in weights or keep.shape != weights[name].shape or keep.dtype != torch.bool:
            raise HarnessError(f"the mask of {name!r} must be bool and shaped like a prunable weight")
    return {name: keep & masks[name] if name in masks else keep for name, keep in made.items()}


def _within_budget(masks_at: Callable[[float], Masks], budget: PruningBudget) -> Masks:
    """The masks of the lowest sparsity whose rest is within the budget."""
    if budget.even or budget.pattern.n_of_m:
        return masks_at(budget.level)
    low, high = 0.0, 1.0
    while high - low > SPARSITY_PRECISION:
        middle = (low + high) / 2
        fits = masked_cost(masks_at(middle), budget.whole, budget.costs) <= budget.allowance
        low, high = (low, middle) if fits else (middle, high)
    return masks_at(high)


def _scored_masks(scores: Scores, budget: PruningBudget, sparsity: float) -> Masks:
    pattern = budget.pattern
    if pattern.n_of_m:
        return n_of_m_masks(scores, n=pattern.n_of_m[0], m=pattern.n_of_m[1])
    if pattern.block:
        return block_masks(scores, sparsity, size=pattern.block, scope=budget.scope)
    return weight_masks(scores, sparsity, scope=budget.scope)


def weight_costs(
    model: nn.Module, example: Tensor, *, counted: Literal["params", "macs"]
) -> dict[str, float]:
    """By weight name, what one of its numbers costs: 1, or how often an image multiplies by it."""
    if counted == "params":
        return dict.fromkeys(prunable_weights(model), 1.0)
    costs = dict.fromkeys(prunable_weights(model), 0.0)

    def see(name: str, layer: nn.Module, _: Tensor, output: Tensor) -> None:
        costs[name] += output.numel() / len(layer.weight) / len(example)  # type: ignore[arg-type]  # a layer's is a tensor

    with watching(layers_of(model), see), torch.no_grad():
        model(example)
    return costs


def whole_cost(shapes: Mapping[str, torch.Size], costs: Mapping[str, float]) -> float:
    """Of all of a model's prunable weights."""
    return sum(shape.numel() * costs[name] for name, shape in shapes.items())


def masked_cost(masks: Mapping[str, Tensor], whole: float, costs: Mapping[str, float]) -> float:
    """Of what keep masks leave of `whole`."""
    return whole - sum(float((~keep).sum()) * costs[name] for name, keep in masks.items())
