"""`harness.run` of Python: what the command does, with its tables as data frames."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from harness.commands.run import run as run_command
from harness.errors import HarnessError
from harness.ranking.leaderboard import leaderboards, shown_top1

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.console.run_report import RunOutcome
    from harness.ranking.leaderboard import Entry, Leaderboard

HIDDEN = ("__file__", "__spec__")
"""By these a worker process finds the main program, which it would begin anew."""
TABLE = "table.parquet"
"""Of the built-in reporter of tables."""
NO_TABLES = "harness.run: there are no tables of an option that only shows something"
CONDITIONS = ("model", "dataset", "backend", "batch", "threads", "device", "runtime", "target")
METHOD_COLUMNS = ("pruner", "granularity", "scope", "schedule")
FIGURES = (
    "rank_low", "rank_high", "score", "score_low", "score_high", "best_level", "top1", "ms_saved",
    "ms_saved_low", "ms_saved_high", "speedup", "ms_at_floor",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RunTables:
    """Tables of a run: `rows`, one a measurement; `ranking`, a line for each method and board."""

    folder: Path
    rows: pd.DataFrame
    ranking: pd.DataFrame


def run(models: str | Iterable[str], **options: object) -> RunTables:
    """Benchmark: prune, fine-tune, time and rank as `harness run` does, whose options these are.

    `pruners="taylor"`, `dense_epochs=0`, `quick=True` and `seeds=[0, 1]` are `--pruners taylor
    --dense-epochs 0 --quick --seeds 0,1`. Safe in a notebook, and in a script without a main guard.
    Methods that fail are rows with a status and a reason; raises HarnessError where the request is
    wrong, and stops as the command does at Ctrl-C: what is finished is kept.
    """
    typed = {"models": models, **options}
    words = [word for name, value in typed.items() for word in _words(name, value)]
    try:
        context = run_command.make_context("harness.run", words)
        with context, _hidden_main():
            try:
                run_command.invoke(context)
            except SystemExit as stop:
                # Some cells failed, and their rows say why.
                if stop.code not in (0, 1):
                    raise
    except click.exceptions.Exit:
        raise HarnessError(NO_TABLES) from None
    except click.ClickException as error:
        raise HarnessError(error.format_message()) from None
    if context.obj is None:
        raise HarnessError(NO_TABLES)
    return _tables(context.obj)


def _words(name: str, value: object) -> list[str]:
    """Words of the command line for an option."""
    option = f"--{name.replace('_', '-')}"
    if value is None:
        return []
    if value is False:
        return ["--no-augment"] if name == "augment" else []
    if value is True:
        return [option]
    if isinstance(value, Iterable) and not isinstance(value, str):
        value = ",".join(map(str, value))
    return [option, str(value)]


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Hide the main program from worker processes, which would run it again from its first line."""
    main = vars(sys.modules["__main__"])
    kept = {name: main.pop(name) for name in HIDDEN if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.pop("__spec__")
        main.update(kept)


def _tables(outcome: RunOutcome) -> RunTables:
    boards = leaderboards(outcome.rows)
    lines = [_line(board, entry) for board in boards for entry in board.entries]
    rows = pd.read_parquet(outcome.folder / TABLE)
    asked = rows["key"].isin({row["key"] for row in outcome.rows})
    return RunTables(
        folder=outcome.folder,
        rows=rows[asked].reset_index(drop=True),
        ranking=pd.DataFrame.from_records(lines, columns=[*CONDITIONS, *METHOD_COLUMNS, *FIGURES]),
    )


def _line(board: Leaderboard, entry: Entry) -> dict[str, Any]:
    best = entry.best
    return {
        **{name: board.conditions[name] for name in CONDITIONS},
        **dict(zip(METHOD_COLUMNS, entry.method, strict=True)),
        "rank_low": entry.rank.low if entry.rank else None,
        "rank_high": entry.rank.high if entry.rank else None,
        "score": entry.score if entry.saves_time else None,
        "score_low": entry.low if entry.saves_time else None,
        "score_high": entry.high if entry.saves_time else None,
        "best_level": best["sparsity"],
        "top1": shown_top1(best),
        "ms_saved": best["ms_saved"],
        "ms_saved_low": best["ms_saved_low"],
        "ms_saved_high": best["ms_saved_high"],
        "speedup": best["dense_latency_ms"] / best["latency_ms"],
        "ms_at_floor": entry.ms_at_floor,
    }
