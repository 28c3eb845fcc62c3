"""Weight magnitude, the baseline every other criterion must beat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import harness


@dataclass(frozen=True)
class Magnitude:
    """Keep what is large: sum of |w|^p (Han 2015; per filter Li 2017, eq. in section 3.1)."""

    name: str
    power: int

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`|w|^p` of every weight; the core sums it per channel over the coupled layers."""
        return {name: weight.abs() ** self.power for name, weight in evidence.weights.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer the L1 and the L2 norm; on single weights both keep the same."""
    return [Magnitude("magnitude_l1", 1), Magnitude("magnitude_l2", 2)]
