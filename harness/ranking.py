"""From rows to leaderboards: pure, and made again from the rows alone.

The score of a method is the accuracy it retains per millisecond saved, averaged over every
millisecond there is to save: with `L0` the dense latency and `r(t)` the best accuracy retained among
the method's levels that save at least `t`, `score = (1/L0) * integral of r(t) dt from 0 to L0`. It
lies in [0, 1], never divides by a small number, and does not depend on which methods were run.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.resampling import Draws

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Rows = Sequence[Mapping[str, Any]]

CONDITIONS = (
    "model", "dataset", "data_hash", "backend", "batch", "threads", "device", "runtime", "recipe_text",
)  # fmt: skip
METHOD = ("pruner", "granularity", "scope", "schedule")
RECIPE = (
    "dense_epochs", "finetune_epochs", "train_batch", "optimizer", "dense_lr", "finetune_lr",
    "weight_decay", "augmented",
)  # fmt: skip
NEEDED = (
    "images", "latency_ms", "dense_latency_ms", "ms_saved", "ms_saved_low", "ms_saved_high",
    "saves_time",
)  # fmt: skip
AVERAGED = (
    "top1", "retained", "latency_ms", "dense_latency_ms", "fps", "ms_saved", "ms_saved_low",
    "ms_saved_high", "retained_per_ms_saved", "size_mb", "compressed_mb", "macs", "params_nonzero",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One method's line; `best` is the level that adds most to the score, averaged over seeds."""

    method: tuple[str, str, str, str]
    group: int | None
    score: float
    low: float
    high: float
    best: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]

    @property
    def saves_time(self) -> bool:
        """Whether any level saves time beyond the noise."""
        return self.group is not None

    @property
    def name(self) -> str:
        """Pruner, granularity, scope and schedule, as people say it."""
        return " ".join(self.method)


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Methods ranked under the same conditions; `dense` averages the unpruned rows of all seeds."""

    conditions: Mapping[str, Any]
    dense: Mapping[str, Any] | None
    standings: tuple[Standing, ...]
    seeds: int
    unsteady: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The conditions in words."""
        found = self.conditions
        return (
            f"{found['model']} on {found['dataset']}, {found['backend']}, batch {found['batch']}, "
            f"{found['threads']} thread{'s' if found['threads'] != 1 else ''}"
        )


def recipe_text(row: Mapping[str, Any]) -> str:
    """The recipe's settings in one line, for comparing like with like."""
    return ", ".join(f"{name} {row[name]}" for name in RECIPE)


def leaderboards(rows: Rows) -> list[Leaderboard]:
    """One for every model, dataset, backend, batch size, thread count, device and recipe.

    Where a criterion was edited between two runs, its later rows count.
    """
    boards: dict[tuple[Any, ...], dict[tuple[Any, ...], Mapping[str, Any]]] = defaultdict(dict)
    for row in rows:
        if row["status"] == "ok" and all(row[name] is not None for name in NEEDED):
            full = {**row, "recipe_text": recipe_text(row)}
            place = tuple(full[name] for name in (*METHOD, "sparsity", "seed"))
            boards[tuple(full[name] for name in CONDITIONS)][place] = full
    return [
        _board(dict(zip(CONDITIONS, key, strict=True)), list(found.values()))
        for key, found in boards.items()
    ]


def _board(conditions: Mapping[str, Any], rows: Rows) -> Leaderboard:
    methods: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    unsteady = {row["key"]: row for row in rows if row["steady"] is False}
    rows = [row for row in rows if row["key"] not in unsteady]
    for row in rows:
        if row["pruner"] != "dense":
            methods[tuple(row[name] for name in METHOD)].append(row)
    draws = Draws(rows)
    scored = [(method, found, draws.scores(found)) for method, found in methods.items()]
    scored.sort(key=lambda item: (-float(item[2][0]), item[0]))
    dense = [row for row in rows if row["pruner"] == "dense"]
    return Leaderboard(
        conditions=conditions,
        dense=_mean(dense) if dense else None,
        standings=tuple(_standings(scored)),
        seeds=len({row["seed"] for row in rows}),
        unsteady=tuple(sorted({" ".join(row[n] for n in METHOD) for row in unsteady.values()})),
    )


def _standings(scored: Iterable[tuple[Any, Rows, NDArray[np.float64]]]) -> Iterable[Standing]:
    import numpy as np

    group, floor = 0, np.inf
    for method, rows, scores in scored:
        low, high = (float(v) for v in np.quantile(scores[1:], (0.025, 0.975)))
        saves = any(row["saves_time"] for row in rows)
        if saves and high < floor:
            group, floor = group + 1, low
        yield Standing(
            method=method,
            group=group if saves else None,
            score=float(scores[0]),
            low=min(low, float(scores[0])),
            high=max(high, float(scores[0])),
            best=_best_level(rows),
            rows=tuple(sorted(rows, key=lambda row: (row["sparsity"], row["seed"]))),
        )


def _best_level(rows: Rows) -> Mapping[str, Any]:
    levels: dict[float, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        levels[row["sparsity"]].append(row)
    return _mean(max(levels.values(), key=_contribution))


def _contribution(level: Rows) -> tuple[float, float]:
    """What the level alone would score; the better accuracy where none saves time."""
    saved = [row["ms_saved"] / row["dense_latency_ms"] if row["saves_time"] else 0.0 for row in level]
    kept = [min(row["retained"] or 0.0, 1.0) for row in level]
    score = fmean(fraction * saving for fraction, saving in zip(kept, saved, strict=True))
    return score, fmean(row["top1"] for row in level)


def _mean(rows: Rows) -> Mapping[str, Any]:
    """One row for all seeds: measured columns averaged, empty where one of them is."""
    means = {
        name: None if any(row[name] is None for row in rows) else fmean(row[name] for row in rows)
        for name in AVERAGED
    }
    return {**rows[0], **means}
