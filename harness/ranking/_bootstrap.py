"""Bootstrap intervals of scores: over seeds, test images and timing rounds.

Only what differs is computed: a method that gave the same right answers under several conditions,
which is the rule, has its accuracies drawn once for all of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.ranking._accuracy_draws import accuracy_draws
from harness.ranking._timing_draws import TimingDraws

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
class RightAnswers:
    """Right answers of rows: numbers of them in `blobs`; the index -1 is a last element without any."""

    own: RowIndices
    dense: RowIndices
    blobs: Sequence[str]


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

    answers, timing = _right_answers(frame), TimingDraws(frame, draws=BOOTSTRAP_DRAWS)
    resample = cache(_draw_resamples)
    seeds = max((cells.board_seeds for cells in methods), default=0)
    estimates = ScoreEstimates(
        intervals=np.empty((len(methods), 3)),
        by_seed=np.full((len(methods), seeds), np.nan),
        draws=np.empty((len(methods), BOOTSTRAP_DRAWS), np.float32),
    )
    # The products are small: a second thread wins nothing, and on a busy machine waits for long.
    with threadpool_limits(1, user_api="blas"):
        for numbers in _methods_with_same_answers(answers, methods):
            group = [methods[number] for number in numbers]
            held_images, held_seeds = resample(group[0].images, group[0].board_seeds)
            accuracies = accuracy_draws(
                answers.blobs,
                answers.own[group[0].indices],
                answers.dense[group[0].indices],
                images=held_images,
                chance=group[0].chance,
            )
            held = held_seeds[group[0].seeds]
            _estimate(timing, accuracies, group, numbers, estimates, held=held)
    return estimates


def _right_answers(frame: pd.DataFrame) -> RightAnswers:
    import numpy as np
    import pandas as pd

    codes, blobs = pd.factorize(pd.concat([frame["correct"], frame["dense_correct"]]))
    own, dense = codes.reshape(2, -1)
    return RightAnswers(own=np.append(own, -1), dense=np.append(dense, -1), blobs=blobs.tolist())


def _methods_with_same_answers(
    answers: RightAnswers, methods: Sequence[ScoreCells]
) -> Iterable[list[int]]:
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, cells in enumerate(methods):
        codes = answers.own[cells.indices], answers.dense[cells.indices], cells.seeds
        same = cells.images, cells.chance, cells.board_seeds, cells.indices.shape
        alike[*same, *(indices.tobytes() for indices in codes)].append(number)
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
    timing: TimingDraws,
    accuracies: AccuracyDraws,
    group: Sequence[ScoreCells],
    numbers: Sequence[int],
    estimates: ScoreEstimates,
    *,
    held: Singles,
) -> None:
    """Estimate methods with equal right answers, in their places; `held` is `(seeds, draws)`."""
    import numpy as np

    saved = np.stack([timing.saved[cells.indices].T for cells in group])
    retained = np.tile(accuracies.observed, (len(group), 1))
    by_seed = area(retained, saved.reshape(-1, saved.shape[-1])).reshape(saved.shape[:2])
    estimates.by_seed[np.asarray(numbers)[:, None], group[0].seeds] = by_seed
    score = by_seed.mean(axis=1, keepdims=True)
    drawn_by_seed = np.stack([_areas(timing.savings(cells.indices), accuracies) for cells in group])
    estimates.draws[numbers] = drawn_by_seed.mean(axis=1)
    total = held.sum(axis=0, dtype=np.float64)
    # A seed that a draw holds twice counts twice; one that holds none of the method's seeds says
    # nothing new: it repeats the estimate.
    weighted = (drawn_by_seed * held).sum(axis=1)
    draws = np.where(total > 0, weighted / np.maximum(total, 1.0), score)
    estimates.intervals[numbers] = np.hstack([score, np.quantile(draws, (0.025, 0.975), axis=1).T])


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
