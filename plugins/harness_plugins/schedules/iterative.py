"""Prune a fraction of what remains, again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import harness

DEFAULT_FRACTION = 0.5
EARLY_SHARE = 0.125


@dataclass(frozen=True)
class Iterative:
    """Each round removes a fraction of what remains (`iterative:0.2`; half by default)."""

    fraction: float = DEFAULT_FRACTION
    name: str = "iterative"

    def configured(self, argument: str) -> Self:
        """`iterative:0.2` or `iterative:20%` removes a fifth of the remaining weights a round."""
        try:
            percent = argument.endswith("%")
            fraction = float(argument.rstrip("%")) / (100 if percent else 1)
        except ValueError:
            fraction = -1.0
        if not 0.0 < fraction < 1.0:
            raise harness.HarnessError(
                f"iterative takes the fraction removed a round, as 0.2 or 20%, not {argument!r}"
            )
        return type(self)(fraction, f"iterative:{fraction:g}")

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """Geometric rounds, the last exactly at `target`.

        Each early round is fine-tuned for the same small share, so that levels share their early
        rounds, and the last gets what is left of the budget: every target costs the same.
        """
        early = []
        sparsity = self.fraction
        while sparsity < target - 1e-9:
            early.append(sparsity)
            sparsity = 1.0 - (1.0 - sparsity) * (1.0 - self.fraction)
        share = min(EARLY_SHARE, 1.0 / (len(early) + 1))
        last = harness.Round(sparsity=target, share=1.0 - share * len(early))
        return [*(harness.Round(sparsity=s, share=share) for s in early), last]


@harness.hookimpl
def harness_schedules() -> Iterable[harness.Schedule]:
    """Offer iterative pruning by half of what remains."""
    return [Iterative()]
