"""Regularisation during training: the model is trained towards sparsity before it is pruned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Self

import harness

if TYPE_CHECKING:
    from torch import Tensor

LEAST_STEPS = 500
"""Of training with a penalty: in some tens, what is chosen is what was there before."""


def strength_of(name: str, argument: str) -> float:
    """The number that a penalty is multiplied by. Raises HarnessError where it is none above 0."""
    try:
        strength = float(argument)
    except ValueError:
        strength = -1.0
    if not 0.0 < strength < float("inf"):
        raise harness.HarnessError(f"{name} takes the penalty's strength, as 1e-4, not {argument!r}")
    return strength


@dataclass(frozen=True)
class Slimming:
    """Keep channels whose norm scale outlives an L1 penalty on all of them (Liu 2017, eq. 1).

    `slimming:1e-3` sets the penalty's strength. The paper's 1e-4 acts over its 60,000 steps from
    scratch; 0.03 moves the scales as far in the 500 from the dense model that are the least here.
    """

    strength: float = 0.03
    name: str = "slimming"
    granularities: frozenset[harness.Granularity] = frozenset({"channel"})
    least_steps: int = LEAST_STEPS
    scores_after: bool = True

    def configured(self, argument: str) -> Self:
        """With another strength."""
        return replace(self, strength=strength_of("slimming", argument), name=f"slimming:{argument}")

    def penalty(self, trained: harness.Trained) -> Tensor:
        """`strength * sum |gamma|`."""
        from torch import stack

        if not trained.norm_scales:
            raise harness.UnsupportedError("no layer of this model is followed by a norm with scales")
        return self.strength * stack([s.abs().sum() for s in trained.norm_scales.values()]).sum()

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: |gamma| of the norm that follows each layer."""
        return {name: scale.abs() for name, scale in evidence.norm_scales.items()}


@dataclass(frozen=True)
class GroupLasso:
    """Keep filters whose norm outlives a penalty that drives whole ones to zero (Wen 2016, eq. 4).

    `group_lasso:1e-4` sets the penalty's strength, by default 1e-3: in 500 steps half of a trained
    network's filters fade by it, and accuracy stays.
    """

    strength: float = 1e-3
    name: str = "group_lasso"
    granularities: frozenset[harness.Granularity] = frozenset({"channel"})
    least_steps: int = LEAST_STEPS
    scores_after: bool = True

    @property
    def scopes(self) -> Mapping[harness.Granularity, harness.Scope]:
        """Filters of a layer compare: their norms follow the layers' sizes."""
        return {"channel": "local"}

    def configured(self, argument: str) -> Self:
        """With another strength."""
        return replace(
            self, strength=strength_of("group_lasso", argument), name=f"group_lasso:{argument}"
        )

    def penalty(self, trained: harness.Trained) -> Tensor:
        """`strength * sum over filters of sqrt(size) * |w|_2` (Yuan and Lin 2006, eq. 2.2)."""
        from torch import stack

        return self.strength * stack([_lasso(w) for w in trained.weights.values()]).sum()

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: the L2 norm of each filter."""
        return {n: w.flatten(1).norm(dim=1) for n, w in evidence.weights.items() if w.dim() > 1}


def _lasso(weight: Tensor) -> Tensor:
    rows = weight.flatten(1)
    # The norm of a filter that is all zero has no gradient.
    norms: Tensor = (rows.square().sum(1) + 1e-12).sqrt()
    return norms.sum() * sqrt(rows.shape[1])


@dataclass(frozen=True)
class GReg:
    """Keep large weights; those to go first fade under a growing penalty (GReg-1, Wang 2021, alg. 1).

    The penalty's factor grows evenly to a ceiling of 1, as published, but over half of the round's
    epochs, however few they are. `greg:0.5` sets the ceiling.
    """

    ceiling: float = 1.0
    name: str = "greg"
    least_steps: int = LEAST_STEPS
    scores_after: bool = False

    @property
    def scopes(self) -> Mapping[harness.Granularity, harness.Scope]:
        """Filters of a layer compare, as in the paper."""
        return {"channel": "local"}

    def configured(self, argument: str) -> Self:
        """With another ceiling."""
        return replace(self, ceiling=strength_of("greg", argument), name=f"greg:{argument}")

    def penalty(self, trained: harness.Trained) -> Tensor:
        """Half of the factor times the squares of all weights that are to go."""
        from torch import stack

        squares = [trained.weights[name][~keep].square().sum() for name, keep in trained.keep.items()]
        return 0.5 * self.ceiling * trained.progress * stack(squares).sum()

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`|w|`, summed over filters where channels leave."""
        if evidence.granularity == "weight":
            return {name: weight.abs() for name, weight in evidence.weights.items()}
        return {n: w.abs().flatten(1).sum(1) for n, w in evidence.weights.items() if w.dim() > 1}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer slimming, the group lasso and growing regularisation."""
    return [Slimming(), GroupLasso(), GReg()]
