"""Rank agreement: whether two runs place methods alike, by the test that ranks them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from harness.ranking.leaderboard import leaderboards

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.ranking.leaderboard import Entry, Leaderboard

    Row = Mapping[str, Any]


BOARD_COLUMNS = ("model", "dataset", "data_hash", "backend", "batch", "threads", "recipe_text")


@dataclass(frozen=True, kw_only=True)
class RankAgreement:
    """Rank agreement of two runs, over the methods that save time in both.

    Of the pairs that either run places `apart`, `swapped` ones have the opposite order of scores in
    the other; `tables` are the boards of both runs, `swap_tables` those that place such a pair.
    `covered` of all `scores` differ by no more than both of their 95 % intervals allow. `tau` is
    Kendall's (1938) over all pairs of scores, None where there are none.
    """

    apart: int
    swapped: int
    tables: int
    swap_tables: int
    covered: int
    scores: int
    tau: float | None


def entries_by_board(
    again: Sequence[Row], rows: Sequence[Row], replaced: set[str]
) -> dict[tuple[Any, ...], Entry]:
    """Leaderboard entries by the board's title and conditions, the machine aside, and the method."""
    current = [row for row in rows if row["key"] not in replaced]
    return {
        (board.title, *_conditions(board), entry.method): entry
        for board in leaderboards([*current, *again])
        for entry in board.entries
    }


def rank_agreement(base: Sequence[Row], new: Sequence[Row]) -> RankAgreement:
    """Rank agreement of two runs' rows, board by board."""
    pairs = [*_shared_boards(leaderboards(base), leaderboards(new))]
    counted = [_swaps(one, other) for both in pairs for one, other in (both, both[::-1])]
    scores = [scores for one, other in pairs for scores in _shared_scores(one, other)]
    agreeing = [sign for one, other in pairs for sign in _agreeing_signs(one, other)]
    return RankAgreement(
        apart=sum(apart for apart, _ in counted),
        swapped=sum(swapped for _, swapped in counted),
        tables=len(counted),
        swap_tables=sum(swapped > 0 for _, swapped in counted),
        covered=sum(_alike(one, other) for one, other in scores),
        scores=len(scores),
        tau=sum(agreeing) / len(agreeing) if agreeing else None,
    )


def _conditions(board: Leaderboard) -> tuple[Any, ...]:
    return tuple(board.conditions[name] for name in BOARD_COLUMNS)


def _shared_boards(
    base: Sequence[Leaderboard], new: Sequence[Leaderboard]
) -> Iterator[tuple[Leaderboard, Leaderboard]]:
    theirs = {_conditions(board): board for board in new}
    return ((board, theirs[c]) for board in base if (c := _conditions(board)) in theirs)


def _shared_scores(one: Leaderboard, other: Leaderboard) -> list[tuple[Entry, Entry]]:
    """Entries of both boards, by method, of those that save time in both."""
    theirs = {entry.method: entry for entry in other.entries if entry.saves_time}
    return [(e, theirs[e.method]) for e in one.entries if e.saves_time and e.method in theirs]


def _swaps(one: Leaderboard, other: Leaderboard) -> tuple[int, int]:
    """Pairs that `one` places apart, and those of them in the opposite order in `other`."""
    theirs = {own.method: score.score for own, score in _shared_scores(one, other)}
    placed = [(a, b) for a, b in one.ranking.better if a in theirs and b in theirs]
    return len(placed), sum(theirs[better] < theirs[worse] for better, worse in placed)


def _agreeing_signs(one: Leaderboard, other: Leaderboard) -> Iterator[int]:
    for (a, c), (b, d) in combinations(_shared_scores(one, other), 2):
        product = (a.score - b.score) * (c.score - d.score)
        yield (product > 0) - (product < 0)


def _alike(one: Entry, other: Entry) -> bool:
    """Whether two scores differ by no more than independent errors of both explain at 95 %."""
    low, high = (one, other) if one.score < other.score else (other, one)
    allowed = ((low.high - low.score) ** 2 + (high.score - high.low) ** 2) ** 0.5
    return bool(high.score - low.score <= allowed)
