"""The control that every comparison needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import harness


class Random:
    """Remove at random: what a criterion must beat to be worth its cost."""

    name = "random"
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"channel": "local"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """Uniform scores, one a weight, or one a channel.

        Channels compare within their layer: over the network, the mean over coupled layers would
        favour neither high nor low scores there, and so spare or empty those layers together.
        """
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
