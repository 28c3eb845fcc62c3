"""The control that every comparison needs."""

from __future__ import annotations

from collections.abc import Iterable

import harness


class Random:
    """Remove at random: what a criterion must beat to be worth its cost."""

    name = "random"

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """Uniform scores, one a weight, or one a channel so that no layer's size favours it."""
        return {
            name: weight.new_empty(
                weight.shape[:1] if evidence.granularity == "channel" else weight.shape
            ).uniform_(generator=evidence.generator)
            for name, weight in evidence.weights.items()
        }


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer random pruning."""
    return [Random()]
