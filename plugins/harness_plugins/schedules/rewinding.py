"""Rewinding weights, or the learning rate alone (Renda 2020)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import harness


@dataclass(frozen=True)
class Rewinding:
    """Prune, go back as far before the end of dense training as the budget is long, train again.

    Learning-rate rewinding keeps the trained weights and goes back with the rate alone;
    `weight_rewinding:0.1` goes back to 10 % of dense training whatever the budget.
    """

    name: str
    weights: bool
    place: harness.Place = "budget"

    def configured(self, argument: str) -> Self:
        """How far through dense training to go back to, from 0 up to 1."""
        try:
            place = float(argument)
        except ValueError:
            place = -1.0
        if not 0.0 <= place < 1.0:
            raise harness.HarnessError(
                f"{self.name} takes a place in dense training from 0 up to 1, as 0.1, not {argument!r}"
            )
        return replace(self, place=place, name=f"{self.name}:{place:g}")

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """One round."""
        rewind = self.place if self.weights else None
        return [harness.Round(sparsity=target, share=1.0, rewind=rewind, rate=self.place)]


@harness.hookimpl
def harness_schedules() -> Iterable[harness.Schedule]:
    """Offer weight rewinding and learning-rate rewinding."""
    return [
        Rewinding("weight_rewinding", weights=True),
        Rewinding("rate_rewinding", weights=False),
    ]
