"""Board page: all methods on one model and data set, its backends side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.presentation.board_table import BOARD_COLUMNS, IN_FULL, board_table
from harness.presentation.board_titles import panel_titles, recipe_sentences
from harness.presentation.comparison_charts import realised_chart, slope_chart
from harness.presentation.table import EMPTY, Column, Table, text_column
from harness.presentation.tradeoff_chart import tradeoff_chart
from harness.publishing._html_table import html_table
from harness.publishing._pages import Figure
from harness.publishing.podium import podium
from harness.publishing.reported import reported_of
from harness.publishing.row_command import board_command
from harness.publishing.site_content import board_anchor, method_path, written_between
from harness.ranking.remarks import remarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.publishing._html_table import HtmlTable
    from harness.publishing._pages import Pages
    from harness.publishing.site_content import SiteContent
    from harness.ranking.leaderboard import Entry, Leaderboard

FACETS = ("board", "pruner", "granularity", "scope", "schedule", "source")


def board_page(pages: Pages, path: str, boards: Sequence[Leaderboard]) -> bytes:
    """The page of one model and data set."""
    content, name = pages.content, path.removeprefix("boards/").removesuffix(".html")
    titles = panel_titles(boards)
    figures = [
        Figure(
            name=f"{name}-{board_anchor(board)}",
            chart=tradeoff_chart([board], content.colours, titles=[title], points=content.points),
            caption=f"Accuracy retained against ms saved, {title}.",
        )
        for board, title in zip(boards, titles, strict=True)
    ]
    slope = Figure(
        name=f"{name}-backends",
        chart=slope_chart(boards, content.colours),
        caption="Scores of methods that save time, across backends; bars are 95 % intervals.",
    )
    realised = Figure(
        name=f"{name}-realised",
        chart=realised_chart(boards, content.colours),
        caption="Speed-up reached against the one that multiply-accumulates promise, best levels.",
    )
    first = boards[0].conditions
    return pages.fill(
        "board",
        path,
        figures=(*figures, slope, realised),
        ids={"slope": slope.name, "realised": realised.name},
        title=f"{first['model']} on {first['dataset']}",
        lead=" ".join([_lead(boards, titles), *recipe_sentences(boards)]),
        table=_entries_table(content, boards, titles),
        matrix=_matrix(boards, titles),
        sections=[
            {
                "anchor": board_anchor(board),
                "title": title,
                "facts": f"{board.title}; {board.conditions['device']}, {board.conditions['runtime']}; "
                f"{board.conditions['recipe_text']}",
                "figure": figure.name,
                "remarks": remarks(board),
                "command": board_command(board.entries, content.runs),
            }
            for board, title, figure in zip(boards, titles, figures, strict=True)
        ],
    )


def _lead(boards: Sequence[Leaderboard], titles: Sequence[str]) -> str:
    """What to take, on as many backends as a sentence can hold."""
    tops = [(podium(board), title) for board, title in zip(boards, titles, strict=True)]
    taken = [
        f"{here.best.method[0]} {here.best.method[1]} on {title} ({here.rank}; {here.latency})"
        for here, title in tops[:4]
        if here.best
    ]
    more = f"; and {len(tops) - 4} more backends below" if len(tops) > 4 else ""
    return f"Take {', '.join(taken)}{more}." if taken else "No method saves time on any backend."


def _entries_table(
    content: SiteContent, boards: Sequence[Leaderboard], titles: Sequence[str]
) -> HtmlTable:
    """Table of every entry of every board, the best of each board first."""
    title_of = {
        id(entry): title for board, title in zip(boards, titles, strict=True) for entry in board.entries
    }
    entries = [entry for board in boards for entry in board.entries]
    backend: Column[Entry] = text_column(
        "board",
        "backend",
        "device and runtime, and what else tells boards apart",
        lambda entry: title_of[id(entry)],
    )
    further = [
        text_column("measured", "measured", "when its rows were written",
                    lambda entry: written_between(entry.rows)),
        text_column("source", "source", "whose word its numbers are, and since when", content.source),
        text_column("reported", "reported",
                    "what a paper says of the criterion on this network, by a recipe of its own",
                    lambda entry: reported_of(content.reported, entry.best) or EMPTY),
    ]  # fmt: skip
    table = board_table(entries, [name for name in (*IN_FULL, "seeds") if _is_known(name, entries)])
    columns = [*table.columns, *further]
    columns.insert([column.name for column in columns].index("pruner"), backend)
    return html_table(
        Table(columns=columns, items=entries),
        name="entries",
        caption="Methods by backend",
        hrefs={"pruner": lambda entry: "../" + method_path(entry.method)},
        subject=lambda entry: entry.name,
        facets=FACETS,
    )


def _is_known(name: str, entries: Sequence[Entry]) -> bool:
    """Whether any entry has a value in a column."""
    return any(BOARD_COLUMNS[name].value(entry) is not None for entry in entries)


def _matrix(boards: Sequence[Leaderboard], titles: Sequence[str]) -> dict[str, Any]:
    """Scores by method and board, the methods in the order of their best score."""
    best: dict[str, Entry] = {}
    for board in boards:
        for entry in board.entries:
            if entry.saves_time and (entry.name not in best or entry.score > best[entry.name].score):
                best[entry.name] = entry
    lines = sorted(best.values(), key=lambda entry: (-entry.score, entry.name))
    by_board = [{entry.name: entry for entry in board.entries} for board in boards]
    return {
        "columns": titles,
        "lines": [
            {
                "name": line.name,
                "href": "../" + method_path(line.method),
                "cells": [
                    _matrix_cell(own.get(line.name), board)
                    for own, board in zip(by_board, boards, strict=True)
                ],
            }
            for line in lines
        ],
    }


def _matrix_cell(entry: Entry | None, board: Leaderboard) -> dict[str, Any]:
    if entry is None or not entry.saves_time:
        return {"text": EMPTY, "best": False}
    rank = f" ({entry.rank})" if entry.rank else ""
    top = max(other.score for other in board.entries if other.saves_time)
    return {"text": f"{entry.score:.3f}{rank}", "best": entry.score == top}
