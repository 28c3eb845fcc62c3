"""Method page: one method on every board, level by level, down to its rows and samples."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.presentation.board_table import IN_FULL, METHOD, board_table
from harness.presentation.board_titles import panel_titles, recipe_words
from harness.presentation.level_chart import level_chart
from harness.presentation.row_table import row_table
from harness.presentation.sample_chart import sample_chart
from harness.presentation.table import Column, Table, number_column
from harness.publishing._badges import badge
from harness.publishing._html_table import html_table
from harness.publishing._pages import Figure
from harness.publishing.reported import reported_of
from harness.publishing.row_command import entry_command
from harness.publishing.site_content import RUN, board_link, page_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.publishing._badges import Badge
    from harness.publishing._html_table import HtmlTable
    from harness.publishing._pages import Pages
    from harness.ranking.leaderboard import Entry, Leaderboard

    Row = Mapping[str, Any]
    Standing = Sequence[tuple[Leaderboard, Entry]]

MOST_LINES = 500
"""Rows that stand in a page; the others are data in it."""
NAMED = ("model", "dataset", "backend")


def method_page(pages: Pages, path: str, standing: Standing) -> tuple[bytes, list[Badge]]:
    """The page of one method, and its badges."""
    content = pages.content
    method = standing[0][1].method
    levels = _level_figures(pages, standing)
    samples = _sample_figures(pages, standing)
    badges = [
        made for board, entry in standing if (made := badge(board, entry, source=content.source(entry)))
    ]
    rows = [row for _, entry in standing for row in entry.rows]
    listed, rest = _rows(rows)
    page = pages.fill(
        "method",
        path,
        figures=(*levels, *samples),
        title=standing[0][1].name,
        description=content.description("pruner", method[0]),
        facts=_facts(pages, standing, rows),
        standing=_standing_table(standing),
        level_figures=[figure.name for figure in levels],
        sample_figures=[figure.name for figure in samples],
        commands=_commands(pages, standing),
        badges=badges,
        rows=listed,
        rest=rest,
    )
    return page, badges


def _facts(pages: Pages, standing: Standing, rows: Sequence[Row]) -> list[tuple[str, str]]:
    method = standing[0][1].method
    schedule = pages.content.description("schedule", method[3])
    evidence = sorted({word for row in rows for word in (row.get("evidence") or "").split(",") if word})
    facts = dict(zip(METHOD, standing[0][1].shown_method, strict=True))
    facts["schedule"] += f": {schedule}" if schedule else ""
    facts["looks at"] = ", ".join(evidence) or "nothing that rows tell"
    facts["source of its numbers"] = "; ".join(
        dict.fromkeys(pages.content.source(entry) for _, entry in standing)
    )
    facts["papers report"] = "; ".join(_reported(pages, standing))
    facts["epochs"] = ", ".join(
        sorted({f"{row['epochs']:g}" for row in rows if row["epochs"] is not None})
    )
    return [(name, text) for name, text in facts.items() if text]


def _reported(pages: Pages, standing: Standing) -> list[str]:
    """What papers say of the method's criterion on the networks that it is on."""
    texts = {
        of: reported_of(pages.content.reported, own[0][1].best)
        for of, own in _by_model(standing).items()
    }
    return [f"{' on '.join(of)}: {text}" for of, text in texts.items() if text]


def _standing_table(standing: Standing) -> HtmlTable:
    links = {id(entry): f"../{board_link(board)}" for board, entry in standing}
    ranked = {
        id(entry): sum(e.rank is not None for e in board.entries) or None for board, entry in standing
    }
    entries = [entry for _, entry in standing]
    count: Column[Entry] = number_column(
        "ranked", "of", "methods that are ranked on the board", lambda e: ranked[id(e)], "{}"
    )
    shown = [name for name in (*NAMED, "batch", *IN_FULL, "seeds") if name not in METHOD]
    columns = [*board_table(entries, shown).columns]
    columns.insert(shown.index("rank") + 1, count)
    return html_table(
        Table(columns=columns, items=entries),
        name="standing",
        caption="Boards that the method is on",
        hrefs={"backend": lambda entry: links[id(entry)]},
        subject=lambda entry: entry.best["backend"],
        facets=NAMED,
    )


def _by_model(standing: Standing) -> dict[tuple[str, str], list[tuple[Leaderboard, Entry]]]:
    grouped: dict[tuple[str, str], list[tuple[Leaderboard, Entry]]] = defaultdict(list)
    for board, entry in standing:
        grouped[board.conditions["model"], board.conditions["dataset"]].append((board, entry))
    return dict(grouped)


def _level_figures(pages: Pages, standing: Standing) -> list[Figure]:
    name = page_name(*standing[0][1].method)
    return [
        Figure(
            name=f"{name}-levels-{page_name(*of)}",
            chart=level_chart(own, pages.content.points),
            caption=f"{' on '.join(of)}: accuracy retained and ms saved by level, 95 % intervals.",
        )
        for of, own in _by_model(standing).items()
    ]


def _sample_figures(pages: Pages, standing: Standing) -> list[Figure]:
    """Histograms of the best levels; none of boards whose samples are not there."""
    name, figures = page_name(*standing[0][1].method), []
    for of, own in _by_model(standing).items():
        titles = panel_titles([board for board, _ in own])
        samples = {
            title: own_samples
            for title, (_, entry) in zip(titles, own, strict=True)
            if (own_samples := _samples(pages, entry)) is not None
        }
        if samples:
            caption = f"{' on '.join(of)}: times of single batches, dense and pruned."
            figure = Figure(
                name=f"{name}-samples-{page_name(*of)}", chart=sample_chart(samples), caption=caption
            )
            figures.append(figure)
    return figures


def _samples(pages: Pages, entry: Entry) -> Any:  # noqa: ANN401 -- samples of a row, or None
    row = entry.at(entry.best["sparsity"])[0]
    return pages.archives[row[RUN]].of(row) if row["samples"] else None


def _commands(pages: Pages, standing: Standing) -> list[tuple[str, str]]:
    commands = {
        f"{board.title}; {recipe_words(board)}": entry_command(entry, pages.content.runs)
        for board, entry in standing
    }
    return [(title, text) for title, text in commands.items() if text]


def _rows(rows: Sequence[Row]) -> tuple[HtmlTable, list[list[str | tuple[str, str]]]]:
    """Table of the first rows, and the cells of the others, with what sorts them."""
    table = html_table(
        row_table(rows),
        name="rows-table",
        caption="Every measurement",
        subject=lambda row: row["backend"],
        facets=NAMED,
    )
    rest = [
        [(cell.text, cell.order) if cell.order else cell.text for cell in line]
        for line in table.lines[MOST_LINES:]
    ]
    return replace(table, lines=table.lines[:MOST_LINES]), rest
