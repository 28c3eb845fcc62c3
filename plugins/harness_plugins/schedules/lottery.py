"""The lottery ticket, and the control that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import harness

FRACTION = 0.2


@dataclass(frozen=True)
class Lottery:
    """Prune a fifth of what remains, rewind to initialisation, train, again (Frankle 2019, sec. 2).

    `lottery:0.05` rewinds to 5 % of dense training instead (Frankle 2020); `lottery:full` trains each
    round as long as the dense model on top of its share of the budget, as the papers do.
    """

    place: float = 0.0
    full: bool = False
    name: str = "lottery"

    def configured(self, argument: str) -> Self:
        """Where to rewind to, from 0 up to 1, or `full`, or both as `0.05+full`."""
        terms = argument.split("+")
        full = "full" in terms
        [place, *more] = [term for term in terms if term != "full"] or ["0"]
        try:
            at = -1.0 if more else float(place)
        except ValueError:
            at = -1.0
        if not 0.0 <= at < 1.0:
            raise harness.HarnessError(
                "lottery takes where in dense training to rewind to, from 0 up to 1, or full, "
                f"as 0.05 or 0.05+full, not {argument!r}"
            )
        return replace(self, place=at, full=full, name=f"{self.name}:{argument}")

    @property
    def control(self) -> harness.Schedule:
        """The same masks with initial weights drawn again."""
        return Redrawn(self)

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """Each early round removes a fifth of what remains; the last lands on the target."""
        levels, sparsity = [], FRACTION
        while sparsity < target - 1e-9:
            levels.append(sparsity)
            sparsity = 1.0 - (1.0 - sparsity) * (1.0 - FRACTION)
        levels.append(target)
        return [
            harness.Round(
                sparsity=level,
                share=1.0 / len(levels),
                dense_share=1.0 if self.full else 0.0,
                rewind=self.place,
                rate=self.place,
            )
            for level in levels
        ]


@dataclass(frozen=True)
class Redrawn:
    """The ticket's last mask on weights that never won: is it the weights, or the mask alone?"""

    ticket: Lottery

    @property
    def name(self) -> str:
        """The ticket's, as its control."""
        return self.ticket.name.replace("lottery", "lottery_redrawn", 1)

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """The ticket's, the last with weights drawn again."""
        *early, last = self.ticket.rounds(target)
        return [*early, replace(last, rewind=None, redraw=True, rate=0.0)]


@harness.hookimpl
def harness_schedules() -> Iterable[harness.Schedule]:
    """Offer the lottery ticket; its control runs with it."""
    return [Lottery()]
