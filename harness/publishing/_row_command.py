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


def entry_command(entry: Entry, runs: Sequence[PublishedRun]) -> str:
    """Command that measures one method as on its board; empty where its run says too little.

    A run's own options hold for the rest: what is a default there is left out.
    """
    row = entry.rows[0]
    options = runs[row[RUN]].options
    return _command({**options, **_asked(entry, row)}) if options else ""


def board_command(entries: Sequence[Entry], runs: Sequence[PublishedRun]) -> str:
    """Command that measures a whole board; empty where its run says too little."""
    row = entries[0].rows[0]
    options = runs[row[RUN]].options
    if not options:
        return ""
    return _command({**options, "models": row["model"], "backends": row["backend"]})


def _asked(entry: Entry, row: Mapping[str, Any]) -> dict[str, Any]:
    pruner, granularity, _, schedule = entry.method
    asked: dict[str, Any] = {
        "models": row["model"],
        "pruners": pruner,
        "granularities": granularity,
        "schedules": schedule,
        "levels": ",".join(f"{level:g}" for level in entry.levels),
        "seeds": ",".join(map(str, seeds_of(entry))),
        "backends": row["backend"],
        "batch-sizes": row["batch"],
    }
    if pruner == RIVALS:
        names = dict.fromkeys(row["rival"] for row in entry.rows)
        asked = {"models": row["model"], "rivals": ",".join(names), "backends": row["backend"]}
    return asked


def _command(options: Mapping[str, Any]) -> str:
    words = ["harness", "run"]
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        elif value != "":
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(words)
