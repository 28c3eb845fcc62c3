"""Differences: methods of a submission beside dense, random removal and one reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.pruners import CONTROL
from harness.presentation.board_table import METHOD, board_table
from harness.presentation.table import Column, Table, number_column
from harness.ranking.leaderboard import shown_top1
from harness.storage.row import speedup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.ranking.leaderboard import Entry, Leaderboard


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Difference of an entry from dense, from the scores of two others, and from `others`' own."""

    entry: Entry
    dense_top1: float | None
    random: Entry | None
    reference: Entry | None
    others: Entry | None


def difference_table(
    board: Leaderboard, others: Leaderboard | None, reference: str
) -> Table[Difference]:
    """Table of a board's methods beside dense, the best random removal and a reference pruner.

    These are the board's own, or of what `others` measured under the same conditions where it has none.
    """
    dense = shown_top1(board.dense) if board.dense else None
    beside = others.entries if others else ()
    items = [
        Difference(
            entry=entry,
            dense_top1=dense,
            random=_best(board.entries, CONTROL, entry) or _best(beside, CONTROL, entry),
            reference=_best(board.entries, reference, entry) or _best(beside, reference, entry),
            others=next((own for own in beside if own.method == entry.method), None),
        )
        for entry in board.entries
    ]
    return Table(columns=_columns(reference), items=items)


def _best(entries: Sequence[Entry], pruner: str, beside: Entry) -> Entry | None:
    """Best entry of a pruner at the granularity of another entry; None where there is none."""
    alike = [e for e in entries if e.method[:2] == (pruner, beside.method[1])]
    return alike[0] if alike else None


def _columns(reference: str) -> tuple[Column[Difference], ...]:
    own = board_table([], ("rank", *METHOD, "score")).columns
    return (
        *(_of_entry(column) for column in own),
        _column("top1_change", "top-1 against dense", _top1_change, "{:+.1f} points"),
        _column("speedup", "speed-up", lambda one: speedup(one.entry.best), "{:.2f}x"),
        _column("random", "score against random", lambda one: _gain(one, one.random)),
        _column("reference", f"score against {reference}", lambda one: _gain(one, one.reference)),
        _column("others", "score on the board so far", _score_so_far, "{:.3f}"),
    )


def _of_entry(column: Column[Entry]) -> Column[Difference]:
    return Column(
        name=column.name,
        header=column.header,
        meaning=column.meaning,
        text=lambda difference: column.text(difference.entry),
        value=lambda difference: column.value(difference.entry),
    )


def _column(
    name: str, header: str, value: Callable[[Difference], float | None], form: str = "{:+.3f}"
) -> Column[Difference]:
    return number_column(name, header, "", value, form)


def _top1_change(difference: Difference) -> float | None:
    if difference.dense_top1 is None:
        return None
    return 100.0 * (shown_top1(difference.entry.best) - difference.dense_top1)


def _score_so_far(difference: Difference) -> float | None:
    return None if difference.others is None else difference.others.score


def _gain(difference: Difference, other: Entry | None) -> float | None:
    return None if other is None else difference.entry.score - other.score
