"""Front page: for every network and backend, which method to take and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.presentation.board_titles import panel_titles
from harness.presentation.table import EMPTY, Column, Table, text_column
from harness.publishing._html_table import RANKS, html_table
from harness.publishing.podium import Podium, podium
from harness.publishing.row_command import entry_command
from harness.publishing.site_content import board_link, board_path, method_path, written_between
from harness.ranking.leaderboard import shown_top1
from harness.storage.row import speedup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.publishing._html_table import HtmlTable
    from harness.publishing._pages import Pages
    from harness.publishing.site_content import SiteContent
    from harness.ranking.leaderboard import Leaderboard


def front_page(pages: Pages, changes: Sequence[str] | None) -> bytes:
    """The front page; `changes` since the last build are None where there was none."""
    content = pages.content
    links = [
        {
            "href": board_path(model, dataset),
            "title": f"{model} on {dataset}",
            "text": f"{len(boards)} boards, measured {_written(boards)}",
        }
        for (model, dataset), boards in content.by_model.items()
    ]
    return pages.fill(
        "front",
        "index.html",
        rows=sum(row["status"] == "ok" for row in content.rows),
        models=len({model for model, _ in content.by_model}),
        methods=len(content.by_method),
        backends=len(content.by_backend),
        table=podium_table(content, content.boards, root=""),
        changes=changes,
        pages=links,
    )


def podium_table(content: SiteContent, boards: Sequence[Leaderboard], *, root: str) -> HtmlTable:
    """Table of the podiums of boards, a line a board."""
    titles = {
        id(board): title
        for own in content.by_model.values()
        for board, title in zip(own, panel_titles(own), strict=True)
    }
    columns: list[Column[Podium]] = [
        text_column("model", "network", "architecture", lambda p: p.board.conditions["model"]),
        text_column("dataset", "images", "labelled images", lambda p: p.board.conditions["dataset"]),
        text_column("backend", "backend", "device and runtime", lambda p: titles[id(p.board)]),
        text_column("take", "take", "the method of the highest score", _best_name),
        text_column("rank", "rank", "rank interval of the best", lambda p: p.rank, _rank),
        text_column("again", "command", "the command that measures it",
                    lambda p: "Copy" if _command_of(p, content) else ""),
        text_column("or", "or, as likely", "methods whose rank may be 1 too", _equals),
        text_column("top1", "keeps", "top-1 of the dense network's", lambda p: p.accuracy, _accuracy),
        text_column("latency", "time", "dense to pruned, at its best level", lambda p: p.latency,
                    _speedup),
        text_column("floor", f"fastest at {content.rule.floor:g}",
                    "least time of any method that retains so much of dense accuracy",
                    lambda p: p.fastest_at_floor, _fastest),
        text_column("measured", "measured", "when its rows were written",
                    lambda p: written_between(p.best.rows) if p.best else EMPTY),
        text_column("source", "source", "whose word its numbers are",
                    lambda p: content.source(p.best) if p.best else EMPTY),
    ]  # fmt: skip
    return html_table(
        Table(columns=columns, items=[podium(board) for board in boards]),
        name="podiums",
        caption="Which method to take, for each network and backend",
        hrefs={
            "backend": lambda p: root + board_link(p.board),
            "take": lambda p: root + method_path(p.best.method) if p.best else "",
        },
        copies={"again": lambda p: _command_of(p, content)},
        subject=lambda p: p.best.name if p.best else "",
        facets=("model", "dataset", "backend"),
    )


def _rank(here: Podium) -> float | None:
    rank = here.best.rank if here.best else None
    return rank.low + rank.high / RANKS if rank else None


def _accuracy(here: Podium) -> float | None:
    return shown_top1(here.best.best) if here.best else None


def _fastest(here: Podium) -> float | None:
    return here.fastest.ms_at_floor if here.fastest else None


def _best_name(here: Podium) -> str:
    return " ".join(here.best.method[:2]) if here.best else EMPTY


def _command_of(here: Podium, content: SiteContent) -> str:
    return entry_command(here.best, content.runs) if here.best else ""


def _equals(here: Podium) -> str:
    return ", ".join(dict.fromkeys(entry.method[0] for entry in here.equals)) or EMPTY


def _speedup(here: Podium) -> float | None:
    return speedup(here.best.best) if here.best else None


def _written(boards: Sequence[Leaderboard]) -> str:
    return written_between([row for board in boards for e in board.entries for row in e.rows])
