"""Row table: single measurements as people read them, without keys and hashes."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from harness.presentation.table import Column, Table, interval_column, number_column, text_column
from harness.ranking.leaderboard import shown_top1
from harness.storage.row import speedup, speedup_realised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Row = Mapping[str, Any]


def row_table(rows: Sequence[Row]) -> Table[Row]:
    """Table of measured rows, a line a row."""
    return Table(columns=_COLUMNS, items=rows)


def _word(name: str, meaning: str, header: str = "") -> Column[Row]:
    return text_column(name, header or name, meaning, itemgetter(name))


def _number(
    name: str, header: str, meaning: str, form: str, read: Callable[[Row], float | None] | None = None
) -> Column[Row]:
    return number_column(name, header, meaning, read or itemgetter(name), form)


_COLUMNS: tuple[Column[Row], ...] = (
    _word("model", "architecture"),
    _word("dataset", "labelled images"),
    _word("backend", "device plus runtime"),
    _word("batch", "images per inference"),
    _word("pruner", "criterion"),
    _word("granularity", "what is removed"),
    _word("scope", "where scores are compared"),
    _word("schedule", "rounds of pruning and fine-tuning"),
    _number("sparsity", "level", "which fraction of the target was to leave", "{:g}"),
    _word("seed", "of initial weights and data order"),
    _number("top1_shown", "top-1", "test accuracy, of the backend's outputs", "{:.1%}", shown_top1),
    _number("retained", "retained", "accuracy over dense accuracy", "{:.3f}"),
    _number("latency_ms", "ms", "median time of one batch", "{:.3g}"),
    interval_column("ms_saved", "ms saved", "dense minus pruned, paired by round", lambda row: row),
    _number("speedup", "speed-up", "dense time over pruned time", "{:.2f}x", speedup),
    _number("realised", "realised", "speed-up over what MACs promise", "{:.0%}", speedup_realised),
    _number("size_mb", "MB", "safetensors file, 10^6 bytes", "{:.2f}"),
    _number("energy_j", "J", "energy of one batch", "{:.3g}"),
    _word("written_at", "when it was written, UTC", "written"),
)
