"""Row command: the command line that measures an entry of a board again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from harness.presentation.board_table import seeds_of
from harness.publishing.site_content import RUN
from harness.storage.row import RIVALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.publishing.site_content import PublishedRun
    from harness.ranking.leaderboard import Entry

CELL_OPTIONS = {
    "models": "model", "pruners": "pruner", "granularities": "granularity", "schedules": "schedule",
    "backends": "backend", "batch-sizes": "batch",
}  # fmt: skip
"""Options that choose a cell, by the column that says what to choose."""


def entry_command(entry: Entry, runs: Sequence[PublishedRun]) -> str:
    """Command that measures one method as on its board; empty where its run says too little.

    A run's own options hold for the rest: what is a default there is left out.
    """
    row = entry.rows[0]
    options = runs[row[RUN]].options
    return _command({**options, **_asked(entry, row)}) if options else ""


def board_command(entries: Sequence[Entry], runs: Sequence[PublishedRun]) -> str:
    """Command that measures a whole board; empty where its run says too little."""
    options = runs[entries[0].rows[0][RUN]].options
    if not options:
        return ""
    rows = [row for entry in entries for row in entry.rows]
    named = [row for row in rows if row["pruner"] != RIVALS]
    rivals = dict.fromkeys(row["rival"] for row in rows if row["pruner"] == RIVALS)
    asked = {option: ",".join(_distinct(named, column)) for option, column in CELL_OPTIONS.items()}
    asked |= {
        "levels": ",".join(_distinct(named, "sparsity")),
        "seeds": ",".join(_distinct(rows, "seed")),
    }
    return _command({**options, **asked, **_arithmetic(rows[0]), "rivals": ",".join(rivals)})


def _distinct(rows: Sequence[Mapping[str, Any]], column: str) -> list[str]:
    values = sorted({row[column] for row in rows})
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in values]


def _arithmetic(row: Mapping[str, Any]) -> dict[str, str]:
    """How rows were trained, which another machine may choose otherwise."""
    return {"arithmetic": row["arithmetic"] or "fp32"}


def row_options(row: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `harness run` that ask for one row's cell, by name."""
    asked = {option: row[column] for option, column in CELL_OPTIONS.items()}
    own = {"levels": f"{row['sparsity']:g}", "seeds": str(row["seed"])}
    return {**asked, **own, **_arithmetic(row)}


def typed_options(options: Mapping[str, Any]) -> list[str]:
    """Options as words of a command line."""
    words: list[str] = []
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        elif value != "":
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return words


def _asked(entry: Entry, row: Mapping[str, Any]) -> dict[str, Any]:
    if row["pruner"] == RIVALS:
        names = dict.fromkeys(row["rival"] for row in entry.rows)
        return {"models": row["model"], "rivals": ",".join(names), "backends": row["backend"]}
    return {
        **row_options(row),
        "levels": ",".join(f"{level:g}" for level in entry.levels),
        "seeds": ",".join(map(str, seeds_of(entry))),
    }


def _command(options: Mapping[str, Any]) -> str:
    return shlex.join(["harness", "run", *typed_options(options)])
