"""From rows to leaderboards: pure, and made again from the rows alone.

The score of a method is the accuracy it retains per millisecond saved, averaged over every
millisecond there is to save: with `L0` the dense latency and `r(t)` the best accuracy retained among
the method's levels that save at least `t`, `score = (1/L0) * integral of r(t) dt from 0 to L0`. It
lies in [0, 1], never divides by a small number, and does not depend on which methods were run.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Rows = Sequence[Mapping[str, Any]]

DRAWS = 1000
CONDITIONS = ("model", "dataset", "backend", "batch", "threads", "device", "recipe_text")
METHOD = ("pruner", "granularity", "scope", "schedule")
RECIPE = (
    "dense_epochs", "finetune_epochs", "train_batch", "optimizer", "dense_lr", "finetune_lr",
    "weight_decay", "augmented",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One method's line; `best` is the row of the level that adds most to the score."""

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
        """Pruner, granularity and schedule; the scope too where it is not the usual one."""
        return " ".join((self.method[0], self.method[1], self.method[3]))


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Methods ranked under the same conditions; those of one rank group are not told apart."""

    conditions: Mapping[str, Any]
    dense: Mapping[str, Any] | None
    standings: tuple[Standing, ...]
    seeds: int

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
    """One for every model, dataset, backend, batch size, thread count, device and recipe."""
    boards: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["status"] == "ok":
            full = {**row, "recipe_text": recipe_text(row)}
            boards[tuple(full[name] for name in CONDITIONS)].append(full)
    return [_board(dict(zip(CONDITIONS, key, strict=True)), found) for key, found in boards.items()]


def _board(conditions: Mapping[str, Any], rows: Rows) -> Leaderboard:
    methods: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["pruner"] != "dense":
            methods[tuple(row[name] for name in METHOD)].append(row)
    draws = _Draws(rows)
    scored = [(method, found, draws.scores(found)) for method, found in methods.items()]
    scored.sort(key=lambda item: (-float(item[2][0]), item[0]))
    dense = [row for row in rows if row["pruner"] == "dense"]
    return Leaderboard(
        conditions=conditions,
        dense=dense[0] if dense else None,
        standings=tuple(_standings(scored)),
        seeds=len({row["seed"] for row in rows}),
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
            best=max(rows, key=_contribution),
            rows=tuple(sorted(rows, key=lambda row: (row["sparsity"], row["seed"]))),
        )


def _contribution(row: Mapping[str, Any]) -> tuple[float, float]:
    """What the level alone would score; the better accuracy where none saves time."""
    saved = row["ms_saved"] / row["dense_latency_ms"] if row["saves_time"] else 0.0
    return (min(row["retained"] or 0.0, 1.0) * saved, row["top1"])


class _Draws:
    """Bootstrap draws shared by all methods of a board, so that their scores are paired.

    Seeds and test images are drawn with replacement (Efron 1979); a saving is drawn from a normal
    with the standard error that its own bootstrap over timing rounds found.
    """

    def __init__(self, rows: Rows) -> None:
        import numpy as np

        self._rng = np.random.default_rng(0)
        self._seeds = sorted({row["seed"] for row in rows})
        images = max((row["images"] or 0 for row in rows), default=0)
        even = np.full(max(images, 1), 1.0 / max(images, 1))
        # The first draw is the data as it is: its score is the estimate.
        resampled = self._rng.multinomial(max(images, 1), even, size=DRAWS) / max(images, 1)
        self._images = np.vstack([even, resampled])
        picked = self._rng.integers(0, len(self._seeds), (DRAWS, len(self._seeds)))
        counts = [np.bincount(draw, minlength=len(self._seeds)) for draw in picked]
        self._seed_weights = np.vstack([np.ones(len(self._seeds)), *counts]) / len(self._seeds)

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        """`(1 + draws,)` scores of one method, the estimate first; the mean over its seeds."""
        import numpy as np

        total = np.zeros(DRAWS + 1)
        weight = np.zeros(DRAWS + 1)
        for place, seed in enumerate(self._seeds):
            mine = [row for row in rows if row["seed"] == seed]
            if mine:
                share = self._seed_weights[:, place]
                total += share * area(self._retained(mine), self._saved(mine))
                weight += share
        # A draw that holds none of the method's seeds says nothing new: it repeats the estimate.
        estimate = total[0] / weight[0]
        return np.where(weight > 0, total / np.maximum(weight, 1e-12), estimate)

    def _retained(self, rows: Rows) -> NDArray[np.float64]:
        import numpy as np

        from harness.row import decode_bits

        def accuracy(blob: str) -> NDArray[np.float64]:
            bits = np.stack([decode_bits(row[blob], row["images"]) for row in rows], axis=1)
            found: NDArray[np.float64] = self._images[:, : len(bits)] @ bits
            return found

        return accuracy("correct") / np.maximum(accuracy("dense_correct"), 1e-12)

    def _saved(self, rows: Rows) -> NDArray[np.float64]:
        import numpy as np

        value = np.array([row["ms_saved"] for row in rows])
        error = np.array([row["ms_saved_error"] for row in rows])
        counts = np.array([bool(row["saves_time"]) for row in rows])
        noise = self._rng.standard_normal((DRAWS + 1, len(rows)))
        noise[0] = 0.0
        dense = np.array([row["dense_latency_ms"] for row in rows])
        saved: NDArray[np.float64] = np.where(counts, value + noise * error, 0.0) / dense
        return saved


def area(retained: NDArray[np.float64], saved: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(1/L0) * integral of r(t) dt`; both `(draws, levels)`, `saved` as a fraction of `L0`.

    Retained accuracy counts up to 1 and savings from 0 to 1, so that the score lies in [0, 1].
    """
    import numpy as np

    saved = np.clip(saved, 0.0, 1.0)
    order = np.argsort(-saved, axis=1, kind="stable")
    widest = np.take_along_axis(saved, order, axis=1)
    kept = np.take_along_axis(np.clip(retained, 0.0, 1.0), order, axis=1)
    # Going from the largest saving down, r(t) is the best among the levels met so far.
    best = np.maximum.accumulate(kept, axis=1)
    steps = widest - np.hstack([widest[:, 1:], np.zeros((len(widest), 1))])
    total: NDArray[np.float64] = (best * steps).sum(axis=1)
    return total
