"""Mask selection under a pruning budget: which weights stay at a level."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from harness.contracts.pruners import MakesMasks
from harness.errors import HarnessError, UnsupportedError
from harness.networks.layers import forward_hooks, layers_of, prunable_weights
from harness.pruning._weighted_selection import lowest_masks
from harness.pruning.masks import (
    block_masks,
    dropped_counts,
    n_of_m_masks,
    pin_best,
    scores_removed_first,
    weight_masks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from harness.contracts.evidence import Evidence, Scope, Scores
    from harness.contracts.granularity import Pattern
    from harness.contracts.pruners import Pruner
    from harness.pruning.masks import Masks

SPARSITY_PRECISION = 1e-6
"""Width of the interval of sparsities at which the search ends."""


@dataclass(frozen=True, kw_only=True)
class PruningBudget:
    """Pruning budget: `level` is the fraction of the dense model's cost that is to leave.

    `costs` is what one number of each weight costs, `dense_cost` what all of the dense model's do;
    `floor` is the least fraction of each layer that stays, of its channels or its weights, counted
    by `dense_shapes`; layers whose weights are `spared` stay whole.
    """

    level: float
    pattern: Pattern
    scope: Scope
    costs: Mapping[str, float] = field(repr=False)
    dense_cost: float
    floor: float = 0.0
    dense_shapes: Mapping[str, torch.Size] = field(default_factory=dict, repr=False)
    spared: frozenset[str] = frozenset()

    @property
    def allowance(self) -> float:
        """Cost that may stay, in the unit of `dense_cost`."""
        return (1.0 - self.level) * self.dense_cost

    @property
    def slack(self) -> float:
        """Cost by which sums of the same weights may differ."""
        return 1e-6 * self.dense_cost

    @property
    def uniform(self) -> bool:
        """Whether every weight costs the same and may leave."""
        return len(set(self.costs.values())) == 1 and not self.spared


def select_masks(
    pruner: Pruner,
    scores: Scores,
    evidence: Evidence,
    *,
    masks: Mapping[str, Tensor],
    budget: PruningBudget,
) -> Masks:
    """Mask selection: the lowest sparsity whose rest is within the budget, `masks` being in force.

    Raises HarnessError where a criterion's own masks are not shaped like its weights, or leave hardly
    any of them out.
    """
    plain = budget.pattern.name == "weight"
    if isinstance(pruner, MakesMasks) and plain:
        own = partial(_criterion_masks, pruner, evidence, masks, budget)
        return _sparse(_within(_search_masks(own, budget), budget), budget, by=pruner.name)
    prunable = {name: scores[name] for name in evidence.weights if name not in budget.spared}
    ordered = scores_removed_first(prunable, masks)
    if budget.scope == "global" and plain and not budget.uniform:
        saving = budget.dense_cost - budget.allowance
        chosen = lowest_masks(_floored(ordered, budget), budget.costs, saving)
    else:
        masks_at = partial(_scored_masks, ordered, budget)
        by_layer = budget.scope != "global" and plain
        cost_at = partial(_counted_cost, ordered, budget) if by_layer else None
        chosen = _search_masks(masks_at, budget, cost_at)
    return _above_floor(_within(chosen, budget), budget)


def _within(masks: Masks, budget: PruningBudget) -> Masks:
    """Masks that meet the level. Raises UnsupportedError where the layers that stay are too many."""
    own_sparsity = budget.pattern.n_of_m is not None
    if budget.spared and not own_sparsity and _cost(masks, budget) > budget.allowance + budget.slack:
        raise UnsupportedError(
            f"the layers that --keep and --only spare leave more than this sparsity: "
            f"{_cost(masks, budget) / budget.dense_cost:.1%} of the model, without all others"
        )
    return masks


def _sparse(masks: Masks, budget: PruningBudget, *, by: str) -> Masks:
    """A criterion's own masks, which may round, but not to less than half of what is to leave."""
    gone = budget.dense_cost - _cost(masks, budget)
    asked = budget.dense_cost - budget.allowance
    if gone < asked / 2:
        raise HarnessError(
            f"{by}: its masks remove {gone / budget.dense_cost:.1%}, and {budget.level:.1%} is asked"
        )
    return masks


def _above_floor(masks: Masks, budget: PruningBudget) -> Masks:
    """Masks that leave each layer its floor. Raises UnsupportedError where the level does not."""
    for name, keep in masks.items():
        if budget.floor and int(keep.sum()) < math.ceil(budget.floor * keep.numel()):
            raise UnsupportedError(
                f"the floor of {budget.floor:g} of each layer's weights (--layer-floor) leaves "
                f"more than this sparsity, as in {name}"
            )
    return masks


def _criterion_masks(
    pruner: MakesMasks,
    evidence: Evidence,
    masks: Mapping[str, Tensor],
    budget: PruningBudget,
    sparsity: float,
) -> Masks:
    weights = evidence.weights
    chosen = pruner.masks(evidence, sparsity)
    for name, keep in chosen.items():
        if name not in weights or keep.shape != weights[name].shape or keep.dtype != torch.bool:
            raise HarnessError(f"the mask of {name!r} must be bool and shaped like a prunable weight")
    return {
        name: keep & masks[name] if name in masks else keep
        for name, keep in chosen.items()
        if name not in budget.spared
    }


def _search_masks(
    masks_at: Callable[[float], Masks],
    budget: PruningBudget,
    cost_at: Callable[[float], float] | None = None,
) -> Masks:
    """Keep masks of the lowest sparsity whose rest is within the budget, by bisection.

    `cost_at` tells the rest of a sparsity without making its masks.
    """
    if budget.uniform or budget.pattern.n_of_m:
        return masks_at(budget.level)
    low, high = 0.0, 1.0
    while high - low > SPARSITY_PRECISION:
        middle = (low + high) / 2
        cost = cost_at(middle) if cost_at else _cost(masks_at(middle), budget)
        fits = cost <= budget.allowance
        low, high = (low, middle) if fits else (middle, high)
    return masks_at(high)


def _cost(masks: Masks, budget: PruningBudget) -> float:
    return masked_cost(masks, budget.dense_cost, budget.costs)


def _counted_cost(scores: Scores, budget: PruningBudget, sparsity: float) -> float:
    """Cost of the rest where how much each layer loses does not depend on its scores."""
    shapes = {name: score.shape for name, score in scores.items()}
    counts = dropped_counts(shapes, sparsity, scope=budget.scope)
    return budget.dense_cost - sum(count * budget.costs[name] for name, count in counts.items())


def _scored_masks(scores: Scores, budget: PruningBudget, sparsity: float) -> Masks:
    pattern = budget.pattern
    if pattern.n_of_m:
        return n_of_m_masks(scores, n=pattern.n_of_m[0], m=pattern.n_of_m[1])
    if pattern.block:
        return block_masks(scores, sparsity, size=pattern.block, scope=budget.scope)
    return weight_masks(_floored(scores, budget), sparsity, scope=budget.scope)


def _floored(scores: Scores, budget: PruningBudget) -> Scores:
    """Scores in which the best of each layer stay, as many as its floor asks for."""
    return {name: pin_best(s, math.ceil(budget.floor * s.numel())) for name, s in scores.items()}


def weight_costs(
    model: nn.Module, example: Tensor, *, counted: Literal["params", "macs"]
) -> dict[str, float]:
    """Weight costs by name: 1 a number, or how often one image multiplies by it."""
    if counted == "params":
        return dict.fromkeys(prunable_weights(model), 1.0)
    costs = dict.fromkeys(prunable_weights(model), 0.0)

    def record(name: str, layer: nn.Module, _: Tensor, output: Tensor) -> None:
        costs[name] += output.numel() / len(layer.weight) / len(example)  # type: ignore[arg-type]  # a layer's is a tensor

    with forward_hooks(layers_of(model), record), torch.no_grad():
        model(example)
    return costs


def total_cost(shapes: Mapping[str, torch.Size], costs: Mapping[str, float]) -> float:
    """Total cost of a model's prunable weights."""
    return sum(shape.numel() * costs[name] for name, shape in shapes.items())


def masked_cost(masks: Mapping[str, Tensor], dense_cost: float, costs: Mapping[str, float]) -> float:
    """Masked cost: what keep masks leave of `dense_cost`."""
    return dense_cost - sum(float((~keep).sum()) * costs[name] for name, keep in masks.items())
