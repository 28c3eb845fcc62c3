"""Gradual schedules: the same number of rounds to every target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import harness

ROUNDS = 4


def counted(schedule: str, argument: str) -> int:
    """How many rounds an argument asks for. Raises HarnessError where that is no number above 0."""
    if not argument.isdecimal() or int(argument) == 0:
        raise harness.HarnessError(f"{schedule} takes the number of rounds, as 4, not {argument!r}")
    return int(argument)


@dataclass(frozen=True)
class Linear:
    """Each round removes as much as the one before (`linear:8`; four rounds by default)."""

    count: int = ROUNDS
    name: str = "linear"

    def configured(self, argument: str) -> Self:
        """`linear:8` takes eight rounds."""
        count = counted("linear", argument)
        return type(self)(count, f"linear:{count}")

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """Equal steps of sparsity and equal shares of the budget."""
        return _evenly([target * turn / self.count for turn in range(1, self.count + 1)])


@dataclass(frozen=True)
class Cubic:
    """Fast, then ever more slowly: AGP (Zhu and Gupta 2017, eq. 1), `agp:8`, four rounds by default."""

    count: int = ROUNDS
    name: str = "agp"

    def configured(self, argument: str) -> Self:
        """`agp:8` takes eight rounds."""
        count = counted("agp", argument)
        return type(self)(count, f"agp:{count}")

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """`s(t) = s_f + (s_i - s_f) (1 - t/n)^3` from a dense model, in equal shares of the budget."""
        return _evenly([cubic(0.0, target, turn / self.count) for turn in range(1, self.count + 1)])


def cubic(start: float, target: float, progress: float) -> float:
    """Sparsity at `progress` of the way from `start` to `target`."""
    return target + (start - target) * (1.0 - progress) ** 3


def _evenly(levels: Sequence[float]) -> list[harness.Round]:
    return [harness.Round(sparsity=level, share=1.0 / len(levels)) for level in levels]


@harness.hookimpl
def harness_schedules() -> Iterable[harness.Schedule]:
    """Offer linear and cubic schedules."""
    return [Linear(), Cubic()]
