"""First-order Taylor expansion of the loss."""

from __future__ import annotations

from collections.abc import Iterable

import harness


class Taylor:
    """Keep what changes the loss to first order: squared sum of w g (Molchanov 2019, eq. 8, 9)."""

    name = "taylor"

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """Mean over batches of `(w g)^2`; at `channel` the sum over the filter is inside the square."""
        weights = evidence.weights
        scores = {
            name: w.new_zeros(w.shape[:1] if evidence.granularity == "channel" else w.shape)
            for name, w in weights.items()
        }
        batches = 0
        for gradients in evidence.batch_gradients:
            batches += 1
            for name, score in scores.items():
                product = weights[name] * gradients[name]
                score += product.reshape(*score.shape, -1).sum(dim=-1) ** 2
        return {name: score / batches for name, score in scores.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer first-order Taylor on weights."""
    return [Taylor()]
