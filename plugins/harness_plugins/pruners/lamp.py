"""Layer-adaptive magnitude."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class Lamp:
    """Keep weights that are large among those of their layer that would outlive them (Lee 2021)."""

    name = "lamp"
    granularities = frozenset({"weight"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`w_u^2 / sum of w_v^2 over v >= u`, a layer's weights by rising size (eq. 3)."""
        return {name: _scores(weight) for name, weight in evidence.weights.items()}


def _scores(weight: Tensor) -> Tensor:
    squares = weight.double().square().flatten()
    rising, order = squares.sort(stable=True)
    rest = rising.flip(0).cumsum(0).flip(0)
    # Zeros are the lowest whatever they are divided by.
    scores = rising / rest.clamp(min=1e-300)
    return scores.new_empty(scores.shape).scatter_(0, order, scores).view(weight.shape)


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer LAMP."""
    return [Lamp()]
