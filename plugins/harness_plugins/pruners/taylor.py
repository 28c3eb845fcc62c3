"""First-order Taylor expansion of the loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class Taylor:
    """Keep what changes the loss to first order: squared sum of w g (Molchanov 2019, eq. 8, 9)."""

    name = "taylor"

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """Mean over batches of `(w g)^2`; at `channel` of the square of `w g` summed over the group."""
        weights = evidence.weights
        scores: dict[str, Tensor] = {}
        batches = 0
        for gradients in evidence.batch_gradients:
            products: harness.Scores = {name: w * gradients[name] for name, w in weights.items()}
            if evidence.granularity == "channel":
                products = evidence.coupled_sums(products)
            scores = {n: p**2 + scores.get(n, 0.0) for n, p in products.items()}
            batches += 1
        return {name: score / batches for name, score in scores.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer first-order Taylor on weights."""
    return [Taylor()]
