"""Bootstrap intervals of scores: over seeds, test images and timing rounds.

Only what differs is computed: a method that gave the same right answers under several conditions,
which is the rule, has its accuracies drawn once for all of them.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from harness.ranking._accuracy_draws import accuracy_draws

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from harness.ranking._accuracy_draws import AccuracyDraws

    Doubles = NDArray[np.float64]
    Singles = NDArray[np.float32]
    RowIndices = NDArray[np.intp]

BOOTSTRAP_DRAWS = 1000
NORMAL_95 = 1.96
CACHED_NOISES = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreCells:
    """Score cells: one method's rows under one set of conditions.

    `indices` is `(levels, seeds)`, -1 where a seed has fewer levels; `seeds` numbers those of the
    method among the board's `board_seeds`; `chance` is the accuracy of a constant answer.
    """

    indices: RowIndices
    seeds: RowIndices
    board_seeds: int
    images: int
    chance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnColumns:
    """Columns that draws are made from; the index -1 is a last element that saves nothing.

    `right` and `dense_right` number the answers in `blobs`; savings are fractions of dense latency.
    Their error has a part of the model's `own` and one of dense's, which is `common` to its session.
    `timed` and `session` name what was timed, which rows of one architecture share, and beside which
    dense model.
    """

    right: RowIndices
    dense_right: RowIndices
    blobs: Sequence[str]
    saved: Doubles
    own: Doubles
    common: Doubles
    timed: Sequence[str]
    session: Sequence[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreEstimates:
    """Score estimates of methods, in their order.

    `intervals` `(methods, 3)` are the score and the 2.5 % and 97.5 % quantiles of bootstrap draws;
    `by_seed` `(methods, seeds)` has nan where a method has no such seed of its board; `draws`
    `(methods, draws)` are scores of the method's own seeds on drawn images and times, at one index the
    same images for all.
    """

    intervals: Doubles
    by_seed: Doubles
    draws: Singles

    def of(self, first: int, last: int, *, seeds: int) -> ScoreEstimates:
        """Estimates of some methods in a row, whose board has so many seeds."""
        return ScoreEstimates(
            intervals=self.intervals[first:last],
            by_seed=self.by_seed[first:last, :seeds],
            draws=self.draws[first:last],
        )


def score_estimates(frame: pd.DataFrame, methods: Sequence[ScoreCells]) -> ScoreEstimates:
    """Score estimates by bootstrap.

    Seeds and test images are drawn with replacement (Efron 1979), the same for all methods; a saving
    is drawn from a normal as wide as its own interval over processes and rounds.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    drawn = _drawn_columns(frame)
    resample = cache(_draw_resamples)
    seeds = max((cells.board_seeds for cells in methods), default=0)
    estimates = ScoreEstimates(
        intervals=np.empty((len(methods), 3)),
        by_seed=np.full((len(methods), seeds), np.nan),
        draws=np.empty((len(methods), BOOTSTRAP_DRAWS), np.float32),
    )
    # The products are small: a second thread wins nothing, and on a busy machine waits for long.
    with threadpool_limits(1, user_api="blas"):
        for numbers in _methods_with_same_answers(drawn, methods):
            group = [methods[number] for number in numbers]
            held_images, held_seeds = resample(group[0].images, group[0].board_seeds)
            _estimate(
                drawn, group, numbers, estimates, images=held_images, held=held_seeds[group[0].seeds]
            )
    return estimates


def _drawn_columns(frame: pd.DataFrame) -> DrawnColumns:
    import numpy as np
    import pandas as pd

    dense, value = frame["dense_latency_ms"].to_numpy(), frame["ms_saved"].to_numpy()
    counts = frame["saves_time"].to_numpy()
    codes, blobs = pd.factorize(pd.concat([frame["correct"], frame["dense_correct"]]))
    right, dense_right = codes.reshape(2, -1)
    timed = _timed_names(frame)
    own, common = (np.where(counts, error, 0.0) / dense for error in _timing_errors(frame))
    return DrawnColumns(
        right=np.append(right, -1),
        dense_right=np.append(dense_right, -1),
        blobs=blobs.tolist(),
        saved=np.append(np.where(counts, value, 0.0) / dense, 0.0),
        own=np.append(own, 0.0),
        common=np.append(common, 0.0),
        timed=[*timed, ""],
        session=[*frame["samples"].where(frame["samples"] != "", timed), ""],
    )


def _timing_errors(frame: pd.DataFrame) -> tuple[Doubles, Doubles]:
    """Errors of savings (ms): of the model's own time, and the rest, which is that of dense's.

    Both are the widths of intervals, which are Student's where processes are few, and say more than the
    standard error.
    """
    import numpy as np

    low, high, own_low, own_high = (
        frame[name].to_numpy(dtype=float)
        for name in ("ms_saved_low", "ms_saved_high", "latency_low_ms", "latency_high_ms")
    )
    saved, own = ((up - down) / (2 * NORMAL_95) for up, down in ((high, low), (own_high, own_low)))
    own = np.minimum(np.nan_to_num(own, nan=np.inf), saved)
    return own, np.sqrt(np.maximum(saved**2 - own**2, 0.0))


def _timed_names(frame: pd.DataFrame) -> list[str]:
    """Names of what was timed for each row: an architecture under conditions, or the row itself."""
    conditions = frame["backend"] + frame["batch"].map(" b{}".format) + frame["device"]
    shared = frame["architecture"] + conditions + frame["threads"].map(" t{}".format)
    names: list[str] = shared.where(frame["architecture"] != "", frame["key"]).tolist()
    return names


@lru_cache(maxsize=CACHED_NOISES)
def _timing_noise(name: str) -> Singles:
    import numpy as np

    # A stream of its own, so that an interval does not depend on what else was run.
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    return generator.standard_normal(BOOTSTRAP_DRAWS, dtype=np.float32)


def _methods_with_same_answers(
    drawn: DrawnColumns, methods: Sequence[ScoreCells]
) -> Iterable[list[int]]:
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, cells in enumerate(methods):
        codes = drawn.right[cells.indices], drawn.dense_right[cells.indices], cells.seeds
        answers = (indices.tobytes() for indices in codes)
        same = cells.images, cells.chance, cells.board_seeds, cells.indices.shape
        alike[*same, *answers].append(number)
    return alike.values()


def _draw_resamples(images: int, seeds: int) -> tuple[Singles, Singles]:
    """Resamples: how often each draw holds an image `(images, draws)` and a seed `(seeds, draws)`."""
    import numpy as np

    rng = np.random.default_rng(0)
    held = rng.multinomial(images, np.full(images, 1 / images), size=BOOTSTRAP_DRAWS)
    picked = rng.integers(0, seeds, (BOOTSTRAP_DRAWS, seeds))
    counts = np.stack([np.bincount(draw, minlength=seeds) for draw in picked])
    return held.T.astype(np.float32, order="C"), counts.T.astype(np.float32, order="C")


def _estimate(
    drawn: DrawnColumns,
    group: Sequence[ScoreCells],
    numbers: Sequence[int],
    estimates: ScoreEstimates,
    *,
    images: Singles,
    held: Singles,
) -> None:
    """Estimate methods with equal right answers, in their places; `held` is `(seeds, draws)`."""
    import numpy as np

    first = group[0]
    accuracies = accuracy_draws(
        drawn.blobs,
        drawn.right[first.indices],
        drawn.dense_right[first.indices],
        images=images,
        chance=first.chance,
    )
    saved = np.stack([drawn.saved[cells.indices].T for cells in group])
    retained = np.tile(accuracies.observed, (len(group), 1))
    by_seed = area(retained, saved.reshape(-1, saved.shape[-1])).reshape(saved.shape[:2])
    estimates.by_seed[np.asarray(numbers)[:, None], first.seeds] = by_seed
    score = by_seed.mean(axis=1, keepdims=True)
    drawn_by_seed = np.stack([_areas(_savings(drawn, cells), accuracies) for cells in group])
    estimates.draws[numbers] = drawn_by_seed.mean(axis=1)
    total = held.sum(axis=0, dtype=np.float64)
    # A seed that a draw holds twice counts twice; one that holds none of the method's seeds says
    # nothing new: it repeats the estimate.
    weighted = (drawn_by_seed * held).sum(axis=1)
    draws = np.where(total > 0, weighted / np.maximum(total, 1.0), score)
    estimates.intervals[numbers] = np.hstack([score, np.quantile(draws, (0.025, 0.975), axis=1).T])


def _savings(drawn: DrawnColumns, cells: ScoreCells) -> Singles:
    """Savings `(levels, seeds, draws)`, as fractions of the dense latency, at most 1."""
    import numpy as np

    # What was timed once errs once: for every method, level and seed that shares the time, and dense's
    # error for all that was timed beside it.
    indices = cells.indices.ravel().tolist()
    shape = *cells.indices.shape, BOOTSTRAP_DRAWS
    saved = drawn.saved[cells.indices][..., None].astype(np.float32) + np.zeros(shape, np.float32)
    for errors, names in ((drawn.own, drawn.timed), (drawn.common, drawn.session)):
        noise = np.stack([_timing_noise(names[index]) for index in indices]).reshape(shape)
        saved += noise * errors[cells.indices][..., None].astype(np.float32)
    return np.minimum(saved, 1.0, out=saved)


def _areas(saved: Singles, accuracies: AccuracyDraws) -> Singles:
    """Area of every seed and draw `(seeds, draws)`: the integral over accuracies, not savings."""
    import numpy as np

    total, best, term = (np.zeros(saved.shape[1:], np.float32) for _ in range(3))
    flat = saved.reshape(-1)
    for index, more in zip(accuracies.order, accuracies.gain, strict=True):
        # The levels at least this accurate save at most this much.
        np.maximum(best, np.take(flat, index, out=term, mode="clip"), out=best)
        np.multiply(best, more, out=term)
        total += term
    return total


def area(retained: Doubles, saved: Doubles) -> Doubles:
    """Area `(1/L0) * integral of r(t) dt`; both `(draws, levels)`, `saved` as a fraction of `L0`.

    Retained accuracy counts up to 1 and savings from 0 to 1, so that the score lies in [0, 1].
    """
    import numpy as np

    saved = np.clip(saved, 0.0, 1.0)
    order = np.argsort(-saved, axis=1, kind="stable")
    widest = np.take_along_axis(saved, order, axis=1)
    capped = np.take_along_axis(np.clip(retained, 0.0, 1.0), order, axis=1)
    # Going from the largest saving down, r(t) is the best among the levels met so far.
    best = np.maximum.accumulate(capped, axis=1)
    steps = widest - np.hstack([widest[:, 1:], np.zeros((len(widest), 1))])
    total: Doubles = (best * steps).sum(axis=1)
    return total
