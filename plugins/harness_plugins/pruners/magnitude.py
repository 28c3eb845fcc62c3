"""Weight magnitude, the baseline every other criterion must beat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import harness


@dataclass(frozen=True)
class Magnitude:
    """Keep what is large: |w|^p of weights (Han 2015) or summed over filters (Li 2017, sec. 3.1)."""

    name: str
    power: int

    @property
    def scopes(self) -> Mapping[harness.Granularity, harness.Scope]:
        """Li compares the filters of a layer: over the network, norms follow the layers' sizes."""
        return {"weight": "global", "channel": "local"}

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`|w|^p` of every weight; the core sums it per channel over the coupled layers."""
        return {name: weight.abs() ** self.power for name, weight in evidence.weights.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer the L1 and the L2 norm; on single weights both keep the same."""
    return [Magnitude("magnitude_l1", 1), Magnitude("magnitude_l2", 2)]
