"""Rank agreement: how far two runs agree on the order of methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.ranking.leaderboard import leaderboards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.ranking.leaderboard import Entry

    Row = Mapping[str, Any]


BOARD_COLUMNS = ("model", "dataset", "data_hash", "backend", "batch", "threads", "recipe_text")


def entries_by_board(
    again: Sequence[Row], rows: Sequence[Row], replaced: set[str]
) -> dict[tuple[Any, ...], Entry]:
    """Leaderboard entries by the board's title and conditions, the machine aside, and the method."""
    current = [row for row in rows if row["key"] not in replaced]
    return {
        (board.title, *(board.conditions[name] for name in BOARD_COLUMNS), entry.method): entry
        for board in leaderboards([*current, *again])
        for entry in board.entries
    }


def kendall_tau(base: Sequence[Row], new: Sequence[Row]) -> tuple[float | None, int]:
    """Kendall's (1938) tau over pairs of methods whose scores' intervals do not overlap.

    Compared within each board, among the methods that save time in both runs. A pair counts where its
    intervals are apart in the base or in the newer run; the number of pairs comes second, tau is None
    where there are none.
    """
    ours, theirs = entries_by_board([], base, set()), entries_by_board([], new, set())
    agreeing, counted = 0, 0
    shared = [p for p in ours if p in theirs and ours[p].saves_time and theirs[p].saves_time]
    for number, one in enumerate(shared):
        for other in shared[number + 1 :]:
            same_board = one[:-1] == other[:-1]
            sides = ((ours[one], ours[other]), (theirs[one], theirs[other]))
            if same_board and any(_intervals_apart(a, b) for a, b in sides):
                counted += 1
                (a, b), (c, d) = sides
                agreeing += 1 if (a.score - b.score) * (c.score - d.score) > 0 else -1
    return (agreeing / counted if counted else None), counted


def _intervals_apart(one: Entry, other: Entry) -> bool:
    """Whether the intervals of two scores do not overlap."""
    return one.low > other.high or other.low > one.high
