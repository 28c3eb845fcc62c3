"""Board table: what a leaderboard's lines say, defined once for every place that shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.presentation.table import (
    EMPTY,
    Column,
    Table,
    interval_column,
    interval_text,
    number_column,
    text_column,
)
from harness.ranking.leaderboard import Entry, shown_top1
from harness.storage.row import speedup, speedup_realised

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from harness.ranking.leaderboard import Leaderboard

CONDITIONS = (
    "model", "dataset", "data_hash", "backend", "batch", "threads", "device", "cores", "runtime",
    "target", "recipe",
)  # fmt: skip
METHOD = ("pruner", "granularity", "scope", "schedule")
IN_TERMINAL = (
    "rank", *METHOD, "score", "level", "top1", "ms_saved", "speedup", "ms_at_floor",
)  # fmt: skip
IN_FULL = (
    "rank", *METHOD, "score", "level", "top1", "retained", "latency_ms", "ms_saved", "speedup",
    "ms_at_floor", "realised", "retained_per_ms_saved", "fps", "size_mb", "energy_mj",
)  # fmt: skip


def board_table(entries: Sequence[Entry], names: Sequence[str] = IN_FULL) -> Table[Entry]:
    """Table of leaderboard entries with the columns of those names, of `BOARD_COLUMNS`."""
    columns = [BOARD_COLUMNS[name] for name in names]
    if entries:
        header = f"ms at {entries[0].floor:.4g}"
        columns = [replace(c, header=header) if c.name == "ms_at_floor" else c for c in columns]
    return Table(columns=columns, items=entries)


def board_latex(board: Leaderboard) -> str:
    """Tabular of a leaderboard for LaTeX, under a comment that says its conditions."""
    title = " ".join(f"{board.title}; {board.conditions['recipe_text']}".split())
    return f"% {title}\n{board_table(board.entries).latex()}\n"


def boards_frame(boards: Iterable[Leaderboard]) -> pd.DataFrame:
    """Data frame of all entries of leaderboards: conditions, method and numbers, with intervals."""
    entries = [entry for board in boards for entry in board.entries]
    return board_table(entries, (*CONDITIONS, *IN_FULL, "seeds")).frame()


def shared_words(entries: Sequence[Entry]) -> dict[str, str]:
    """Words of the method that are the same in all of several entries, the pruner aside."""
    every = zip(*(entry.shown_method for entry in entries), strict=True)
    words = {name: set(own) for name, own in zip(METHOD, every, strict=False)}
    alike = {name: own.pop() for name, own in words.items() if len(own) == 1 and name != "pruner"}
    return alike if len(entries) > 1 else {}


def telling_words(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Fewest words of the method that tell several entries apart, the pruner first."""
    for count in range(1, len(METHOD)):
        if len({entry.method[:count] for entry in entries}) == len(entries):
            return METHOD[:count]
    return METHOD


def seeds_of(entry: Entry) -> list[int]:
    """Seeds that an entry has rows of."""
    return sorted({row["seed"] for row in entry.rows})


def _rank(bound: str) -> Any:  # noqa: ANN401 -- a reader of a column, whose value is any
    return lambda entry: entry.rank and getattr(entry.rank, bound)


def _condition(name: str, meaning: str, source: str = "") -> Column[Entry]:
    """Column of a condition, which all rows of a board share, but for machines that were mixed."""

    def own(entry: Entry) -> Any:  # noqa: ANN401 -- of whatever type the column is
        values = list(dict.fromkeys(row[source or name] for row in entry.rows))
        return values[0] if len(values) == 1 else ", ".join(map(str, values))

    return text_column(name, name, meaning, own)


def _word(number: int, meaning: str) -> Column[Entry]:
    """Column of one word of the method."""
    name = METHOD[number]
    return text_column(name, name, meaning, lambda entry: entry.shown_method[number])


def _number(
    name: str,
    header: str,
    meaning: str,
    value: Any,  # noqa: ANN401 -- a function of an entry, or the name of a column of its best level
    form: str = "{:.3g}",
) -> Column[Entry]:
    """Column of a number of an entry."""
    read = value if callable(value) else lambda entry: entry.best[value]
    return number_column(name, header, meaning, read, form)


def _score_text(entry: Entry) -> str:
    score = interval_text(entry.score, entry.low, entry.high, "{:.3f}")
    return score if entry.saves_time else "saves no time"


def _floor_text(entry: Entry) -> str:
    return "not reached" if entry.ms_at_floor is None else f"{entry.ms_at_floor:.3g}"


def _millijoules(entry: Entry) -> float | None:
    joules = entry.best["energy_j"]
    return None if joules is None else 1000.0 * joules


_COLUMNS: tuple[Column[Entry], ...] = (
    _condition("model", "architecture"),
    _condition("dataset", "labelled images"),
    _condition("backend", "device plus runtime"),
    _condition("batch", "images per inference"),
    _condition("threads", "intra-op threads while timing"),
    _condition("device", "processor that ran the model"),
    _condition("cores", "physical cores"),
    _condition("data_hash", "of images, labels and splits"),
    _condition("runtime", "library that ran the model, with version"),
    _condition("target", "what a level is a fraction of"),
    _condition("recipe", "how models were trained", "recipe_text"),
    Column(
        name="rank",
        header="rank",
        meaning="from 1 and those surely better, to those not surely worse",
        text=lambda entry: str(entry.rank or EMPTY),
        value=lambda entry: str(entry.rank) if entry.rank else None,
        low=_rank("low"),
        high=_rank("high"),
    ),
    _word(0, "criterion"),
    _word(1, "what is removed; of a channel, what its score is made of"),
    _word(2, "where scores are compared"),
    _word(3, "rounds of pruning and fine-tuning"),
    Column(
        name="score",
        header="score",
        meaning="accuracy above chance retained per millisecond saved, over every millisecond",
        text=_score_text,
        value=lambda entry: entry.score,
        low=lambda entry: entry.low,
        high=lambda entry: entry.high,
    ),
    _number("level", "level", "the level that adds most to the score", "sparsity", "{:g}"),
    _number(
        "top1", "top-1", "test accuracy, of the backend's outputs where it computes in fewer bits",
        lambda entry: shown_top1(entry.best), "{:.1%}",
    ),
    _number("retained", "retained", "accuracy over dense accuracy", "retained", "{:.3f}"),
    _number("latency_ms", "ms", "median time of one batch", "latency_ms"),
    interval_column(
        "ms_saved", "ms saved", "dense minus pruned, paired by round", lambda entry: entry.best
    ),
    _number(
        "speedup", "speed-up", "dense time over pruned time",
        lambda entry: speedup(entry.best), "{:.2f}x",
    ),
    text_column(
        "ms_at_floor", "ms at floor", "least time at which so much of dense accuracy is retained",
        _floor_text, lambda entry: entry.ms_at_floor,
    ),
    _number(
        "realised", "realised", "speed-up over the one that fewer multiply-accumulates promise",
        lambda entry: speedup_realised(entry.best), "{:.0%}",
    ),
    _number(
        "retained_per_ms_saved", "retained / ms saved",
        "the literal ratio; empty where no time is surely saved", "retained_per_ms_saved",
    ),
    _number("fps", "FPS", "images a second", "fps", "{:.0f}"),
    _number("size_mb", "MB", "safetensors file, 10^6 bytes", "size_mb", "{:.2f}"),
    _number("energy_mj", "mJ", "energy of one batch", _millijoules),
    _number("seeds", "seeds", "of initial weights and data order", lambda e: len(seeds_of(e)), "{}"),
)  # fmt: skip
BOARD_COLUMNS = {column.name: column for column in _COLUMNS}
"""Columns that a leaderboard can show, by name; `level` and those after it are of the best one."""
