"""Backend page: what to take on it, the machine behind it, and how far its clock could be trusted."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from harness.presentation.table import Column, Table, number_column
from harness.publishing._front_page import podium_table
from harness.publishing._html_table import html_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.publishing._html_table import HtmlTable
    from harness.publishing._pages import Pages
    from harness.ranking.leaderboard import Leaderboard

    Row = Mapping[str, Any]

FACTS = {
    "device": "device", "runtime": "runtime", "cores": "physical cores",
    "threads": "threads while timing", "platform": "platform", "governor": "frequency governor",
    "turbo": "may boost its frequency",
    "python": "Python", "torch": "PyTorch", "timm": "timm", "torch_pruning": "Torch-Pruning",
    "harness": "harness", "energy_source": "energy",
}  # fmt: skip
"""Columns that say on what rows were measured, in words."""


def backend_page(pages: Pages, path: str, backend: str, boards: Sequence[Leaderboard]) -> bytes:
    """The page of one backend."""
    content = pages.content
    rows = [row for row in content.rows if row["backend"] == backend and row["status"] == "ok"]
    return pages.fill(
        "backend",
        path,
        title=backend,
        description=content.description("backend", backend),
        facts=[(text, values) for name, text in FACTS.items() if (values := _values(rows, name))],
        table=podium_table(content, boards, root="../"),
        sessions=_sessions_table(rows),
        simulated=all(row["rounds"] is None for row in rows),
    )


def _values(rows: Sequence[Row], name: str) -> str:
    values = {str(row[name]) for row in rows if row.get(name) not in (None, "")}
    return ", ".join(sorted(values))


def _sessions_table(rows: Sequence[Row]) -> HtmlTable:
    """Table of timing sessions, which share an archive of samples, a batch size and a dense time."""
    sessions: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if row["rounds"] is not None and row.get("noise_ms") is not None:
            sessions.setdefault((row["samples"], row["model"], row["batch"], row["noise_ms"]), row)
    table = Table(columns=_SESSION_COLUMNS, items=[*sessions.values()])
    return html_table(
        table,
        name="sessions-table",
        caption="Timing sessions",
        subject=lambda row: row["model"],
        facets=("model", "steady"),
    )


def _noise_share(row: Row) -> float | None:
    return row["noise_ms"] / row["dense_latency_ms"] if row["dense_latency_ms"] else None


def _column(name: str, header: str, meaning: str, form: str = "{}") -> Column[Row]:
    return number_column(name, header, meaning, itemgetter(name), form)


_SESSION_COLUMNS = (
    _column("written_at", "session", "when its rows were written, UTC"),
    _column("model", "network", "architecture"),
    _column("batch", "batch", "images per inference"),
    _column("dense_latency_ms", "dense ms", "dense latency", "{:.3g}"),
    _column("noise_ms", "A/A ms", "what the hidden copy of dense may seem to save", "{:.3g}"),
    number_column(
        "share", "A/A of dense", "the same as a share of dense latency", _noise_share, "{:.1%}"
    ),
    _column("twin_ms", "twins ms", "what models of one architecture seem to differ by", "{:.3g}"),
    _column("processes", "processes", "timing processes"),
    _column("rounds", "rounds", "timed rounds, all processes"),
    _column("others_cores", "others' cores", "cores that other processes kept busy", "{:.2g}"),
    _column("steady", "steady", "whether the hidden copy timed like dense"),
)
