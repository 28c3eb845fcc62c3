"""Palette: one colour for a method, the same on every picture; grey for those beyond eight."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import TYPE_CHECKING

from harness.contracts.pruners import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.ranking.leaderboard import Leaderboard

COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#8c6d31",
)  # fmt: skip
"""Told apart by colour-blind readers too (the first six: Okabe and Ito 2008)."""
CONTROL_COLOUR = "#000000"
OTHER_COLOUR = "#b8b8b8"


def palette(boards: Iterable[Leaderboard]) -> Mapping[str, str]:
    """Colours by name of method: of the eight that are best over all boards, and of random ones.

    The best is who has the lowest share of methods above it by score, averaged over the boards that
    it is on; who saves time nowhere has no colour.
    """
    shares: dict[str, list[float]] = defaultdict(list)
    for board in boards:
        saving = [entry for entry in board.entries if entry.saves_time]
        for above, entry in enumerate(saving):
            shares[entry.name].append(above / len(saving))
    controls = {name: CONTROL_COLOUR for name in sorted(shares) if is_random(name)}
    best = sorted((fmean(own), name) for name, own in shares.items() if name not in controls)
    return {name: colour for (_, name), colour in zip(best, COLOURS, strict=False)} | controls


def is_random(name: str) -> bool:
    """Whether a method's name says that it removes at random."""
    return name.split(" ", 1)[0].partition(":")[0] == CONTROL
