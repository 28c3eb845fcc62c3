"""Synaptic flow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import nn

STEPS = 100


class SynFlow:
    """Keep weights that carry flow from inputs to outputs, without data (Tanaka 2020, alg. 1).

    Scored anew in each of 100 steps to the target, since a single one could cut a whole layer.
    """

    name = "synflow"
    granularities = frozenset({"weight"})
    steps = STEPS

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`|w dR/dw|`, R the summed outputs for ones where all parameters are absolute.

        Norms' statistics too, in evaluation mode and in doubles: the flow of a deep network leaves
        the range of floats.
        """
        from torch import autograd, ones

        model, names = evidence.model.double(), list(evidence.weights)
        make_linear(model)
        parameters = dict(model.named_parameters())
        weights = [parameters[name] for name in names]
        flow = model(ones(1, *evidence.image_shape, dtype=weights[0].dtype)).sum()
        gradients = autograd.grad(flow, weights, materialize_grads=True)
        return {
            name: (weight.detach() * gradient).abs()
            for name, weight, gradient in zip(names, weights, gradients, strict=True)
        }


def make_linear(model: nn.Module) -> None:
    """All parameters and statistics absolute, in place: every ReLU then passes what it gets."""
    for value in model.state_dict().values():
        if value.is_floating_point():
            value.abs_()


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer SynFlow."""
    return [SynFlow()]
