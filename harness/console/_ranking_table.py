"""Ranking table: a leaderboard as wide as the terminal allows, whose methods' names are whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich import box
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from harness.presentation.board_table import (
    IN_TERMINAL,
    METHOD,
    board_table,
    shared_words,
    telling_words,
)
from harness.presentation.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from rich.console import Console

    from harness.presentation.table import Column
    from harness.ranking.leaderboard import Entry, Leaderboard

LEFT_OUT_FIRST = ("ms_saved", "ms_at_floor", "level")
"""Columns that a narrow terminal goes without, in that order; files have them all."""
NAME = "pruner"
UNBOUNDED = 10_000
"""Characters of a line that nothing has to fit into."""


def ranking_table(page: Console, board: Leaderboard) -> RichTable:
    """Table of those methods that save time, or of all where none does, which sentences say."""
    saving = [entry for entry in board.entries if entry.saves_time]
    entries = saving or board.entries
    alike = shared_words(entries)
    title = ", ".join([board.title, *(f"{name} {word}" for name, word in alike.items())])
    columns = [
        column for column in board_table(entries, IN_TERMINAL).columns if column.name not in alike
    ]
    for narrower in _narrower(columns, telling_words(entries)):
        table = _table(Table(columns=narrower, items=entries), title)
        if Measurement.get(page, page.options.update(max_width=UNBOUNDED), table).maximum <= page.width:
            break
    return table


def _narrower(
    columns: Sequence[Column[Entry]], telling: Collection[str]
) -> Iterator[list[Column[Entry]]]:
    """Columns, then fewer and fewer of them: words that tell methods apart stay, and who they are."""
    left = [*columns]
    yield left
    for name in (*LEFT_OUT_FIRST, *(word for word in METHOD[::-1] if word not in telling)):
        left = [column for column in left if column.name != name]
        yield left
    # Ranks say how sure the order is.
    yield [replace(c, text=_bare_score) if c.name == "score" else c for c in left]


def _bare_score(entry: Entry) -> str:
    return f"{entry.score:.3f}"


def _table(shown: Table[Entry], title: str) -> RichTable:
    lines = shown.texts()
    table = RichTable(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for number, column in enumerate(shown.columns):
        widest = max((len(line[number]) for line in lines), default=0)
        whole = column.name == NAME
        table.add_column(column.header, min_width=widest if whole else None, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))
    return table
