"""First-order Taylor expansion at the activations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class TaylorActivation:
    """Keep channels whose activation the loss depends on to first order (Molchanov 2017, eq. 8)."""

    name = "taylor_activation"
    granularities = frozenset({"channel"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: mean over images of |mean over positions of a dL/da|, over its layer's L2 norm."""
        images, total = 0, dict[str, "Tensor"]()
        pairs = zip(evidence.activations, evidence.activation_gradients, strict=True)
        for outputs, gradients in pairs:
            for name, output in outputs.items():
                products = (output * gradients[name]).double().flatten(2)
                total[name] = total.get(name, 0.0) + products.mean(2).abs().sum(0)
            images += len(output)
        return {n: value / images / _norm(value / images) for n, value in total.items()}


def _norm(values: Tensor) -> Tensor:
    # A layer that the loss does not depend on scores zero throughout.
    norm: Tensor = values.norm().clamp(min=1e-300)
    return norm


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer first-order Taylor on activations, each layer's divided by its norm."""
    return [TaylorActivation()]
