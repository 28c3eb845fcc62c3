"""Podium: which methods may still be among the best few."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.ranking.leaderboard import Leaderboard

    Method = tuple[str, str, str, str]


def contenders(boards: Iterable[Leaderboard], podium: int) -> frozenset[Method]:
    """Contenders for the best `podium` of boards on which it is open who they are.

    Further seeds are worth their time for these alone: the others are surely worse than so many.
    """
    methods: set[Method] = set()
    for board in boards:
        within = {e.method for e in board.entries if e.rank is not None and e.rank.low <= podium}
        if len(within) > podium:
            methods |= within
    return frozenset(methods)
