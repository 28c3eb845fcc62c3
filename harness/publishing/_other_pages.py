"""Other pages: lists of methods and backends, the score explained, and downloads."""

from __future__ import annotations

import io
import json
from math import isnan
from typing import TYPE_CHECKING, Any

from harness.presentation.board_table import BOARD_COLUMNS, METHOD, boards_frame, seeds_of
from harness.presentation.row_table import row_table
from harness.presentation.score_chart import score_chart
from harness.presentation.table import Column, Table, text_column
from harness.publishing._html_table import html_table
from harness.publishing._pages import Figure
from harness.publishing.site_content import TIERS, method_path, page_name, written_between
from harness.ranking.remarks import CORRECTIONS
from harness.storage.csv_text import csv_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from harness.publishing._pages import Pages
    from harness.ranking.leaderboard import Entry, Leaderboard


def methods_page(pages: Pages) -> bytes:
    """The list of methods, with how often each may be the best."""
    content = pages.content
    items = [(name, standing) for name, standing in content.by_method.items()]
    columns: list[Column[Any]] = [
        *(_word(number, header) for number, header in enumerate(METHOD)),
        text_column("boards", "boards", "boards that it is on", lambda item: len(item[1])),
        text_column("top", "may be best", "boards on which its rank may be 1",
                    lambda item: _tops(item[1])),
        text_column("about", "what it is", "its criterion in a sentence",
                    lambda item: content.description("pruner", item[1][0][1].method[0])),
    ]  # fmt: skip
    table = html_table(
        Table(columns=columns, items=items),
        name="methods",
        caption="Methods",
        hrefs={"pruner": lambda item: method_path(item[1][0][1].method)},
        subject=lambda item: item[0],
        facets=METHOD[1:],
    )
    lead = "A method is a criterion, what it removes, where its scores compare, and a schedule."
    return pages.fill("list", "methods.html", title="Methods", table=table, lead=lead)


def backends_page(pages: Pages) -> bytes:
    """The list of backends."""
    content = pages.content
    columns: list[Column[Any]] = [
        text_column("backend", "backend", "device and runtime", lambda item: item[0]),
        text_column("boards", "boards", "networks and conditions", lambda item: len(item[1])),
        text_column("device", "device", "what ran the models", _of_boards("device")),
        text_column("runtime", "runtime", "library, with version", _of_boards("runtime")),
        text_column(
            "about", "what it is", "in a sentence", lambda item: content.description("backend", item[0])
        ),
    ]
    table = html_table(
        Table(columns=columns, items=[*content.by_backend.items()]),
        name="backends",
        caption="Backends",
        hrefs={"backend": lambda item: backend_path(item[0])},
        subject=lambda item: item[0],
        facets=("device",),
    )
    lead = "A backend is a device with a runtime that times a model."
    return pages.fill("list", "backends.html", title="Backends", table=table, lead=lead)


def backend_path(backend: str) -> str:
    """Path of a backend's page from the site's root."""
    return f"backends/{page_name(backend)}.html"


def score_page(pages: Pages) -> bytes:
    """What the score is, of a real method, and what it cannot tell."""
    content = pages.content
    saving = [(b, e) for b in content.boards for e in b.entries if e.saves_time and len(e.levels) > 1]
    board, entry = max(
        saving, key=lambda pair: (len(pair[1].levels), pair[1].score), default=(None, None)
    )
    figures: tuple[Figure, ...] = ()
    if board is not None and entry is not None:
        seed = seeds_of(entry)[0]
        caption = f"{entry.name}, {board.title}, seed {seed}."
        figures = (Figure(name="score", chart=score_chart(entry, seed), caption=caption),)
    return pages.fill(
        "score",
        "score.html",
        figures=figures,
        picture=bool(figures),
        subject=figures[0].caption.removesuffix(".") if figures else "",
        score=f"{_first_score(entry):.3f}" if entry else "",
        correction=CORRECTIONS[content.rule.correction],
        floor=f"{content.rule.floor:.4g}",
    )


def _first_score(entry: Entry) -> float:
    """Score of an entry's first seed; others of its board may have none of it."""
    return next(score for score in entry.by_seed if not isnan(score))


def downloads(pages: Pages) -> dict[str, bytes]:
    """Tables of what is shown as CSV, Parquet and JSON, and the page that names them."""
    content = pages.content
    shown = [row for board in content.boards for e in board.entries for row in e.rows]
    rows = row_table(shown)
    tables = {
        "entries": (boards_frame(content.boards), "every line of every board"),
        "rows": (rows.frame(), "every measurement behind them"),
    }
    files, listed = {}, []
    for name, (frame, text) in tables.items():
        for form, written in _written(frame).items():
            files[f"downloads/{name}.{form}"] = written
            listed.append(
                {"path": f"downloads/{name}.{form}", "text": text, "size": _size(len(written))}
            )
    every: list[Column[Any]] = [*BOARD_COLUMNS.values(), *rows.columns]
    columns = {column.name: column for column in every}
    runs = [
        {
            "name": run.name,
            "count": len(run.rows),
            "written": written_between(run.rows),
            "source": run.source,
        }
        for run in content.runs
    ]
    page = pages.fill(
        "downloads", "downloads.html", files=listed, columns=columns.values(), runs=runs, tiers=TIERS
    )
    return {**files, "downloads.html": page}


def _written(frame: pd.DataFrame) -> dict[str, bytes]:
    """Frame as files, by ending."""
    parquet = io.BytesIO()
    frame.to_parquet(parquet, index=False)
    records = json.loads(frame.to_json(orient="records", double_precision=15))
    return {
        "csv": csv_text(frame),
        "parquet": parquet.getvalue(),
        "json": (json.dumps(records, indent=0) + "\n").encode(),
    }


def _size(count: int) -> str:
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def _word(number: int, header: str) -> Column[Any]:
    return text_column(header, header, "of the method", lambda item: item[1][0][1].method[number])


def _tops(standing: Sequence[tuple[Leaderboard, Entry]]) -> int:
    return sum(entry.rank is not None and entry.rank.low == 1 for _, entry in standing)


def _of_boards(name: str) -> Callable[[tuple[str, Sequence[Leaderboard]]], str]:
    """Reader of a condition that boards of a name have, each value once."""
    return lambda item: ", ".join(sorted({str(board.conditions[name]) for board in item[1]}))
