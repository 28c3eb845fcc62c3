"""Bootstrap intervals of scores: over seeds, test images and timing rounds.

Only what differs is computed: a method that gave the same right answers under several conditions,
which is the rule, has its accuracies drawn once for all of them.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.accuracies import Accuracies, accuracies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Places = NDArray[np.intp]

DRAWS = 1000
NORMAL_95 = 1.96


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """One method's rows under one set of conditions.

    `places` is `(levels, seeds)`, -1 where a seed has fewer levels; `seeds` numbers those of the
    method among the `board_seeds` of the board.
    """

    places: Places
    seeds: Places
    board_seeds: int
    images: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurements:
    """Columns that draws are made from; their last element, which a place of -1 finds, saves nothing."""

    right: Places
    dense_right: Places
    blobs: Sequence[str]
    saved: Doubles
    error: Doubles
    keys: pd.Series[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Resample:
    """How often each draw holds an image `(images, draws)` and a seed `(seeds, draws)`."""

    images: Singles
    seeds: Singles


def intervals(frame: pd.DataFrame, methods: Sequence[Cells]) -> Doubles:
    """`(methods, 3)`: each score, and the 2.5 % and 97.5 % quantiles of its bootstrap draws.

    Seeds and test images are drawn with replacement (Efron 1979), the same for all methods; a saving
    is drawn from a normal as wide as its own interval over processes and rounds.
    """
    import numpy as np

    found = _measurements(frame)
    resample = cache(_resample)
    results = np.empty((len(methods), 3))
    for alike in _with_same_answers(found, methods):
        cells = methods[alike[0]]
        drawn = resample(cells.images, cells.board_seeds)
        codes = found.right[cells.places], found.dense_right[cells.places]
        kept = accuracies(found.blobs, *codes, images=drawn.images)
        for number in alike:
            results[number] = _interval(found, methods[number], drawn=drawn, kept=kept)
    return results


def _measurements(frame: pd.DataFrame) -> Measurements:
    import numpy as np
    import pandas as pd

    dense, value, low, high = (
        frame[name].to_numpy()
        for name in ("dense_latency_ms", "ms_saved", "ms_saved_low", "ms_saved_high")
    )
    counts = frame["saves_time"].to_numpy()
    codes, blobs = pd.factorize(pd.concat([frame["correct"], frame["dense_correct"]]))
    right, dense_right = codes.reshape(2, -1)
    return Measurements(
        right=np.append(right, -1),
        dense_right=np.append(dense_right, -1),
        blobs=blobs,
        saved=np.append(np.where(counts, value, 0.0) / dense, 0.0),
        # The interval is Student's where processes are few: its width says more than the error.
        error=np.append(np.where(counts, high - low, 0.0) / (2 * NORMAL_95) / dense, 0.0),
        keys=frame["key"],
    )


def _with_same_answers(found: Measurements, methods: Sequence[Cells]) -> Iterable[list[int]]:
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, cells in enumerate(methods):
        answers = (found.right[cells.places].tobytes(), found.dense_right[cells.places].tobytes())
        alike[cells.images, cells.board_seeds, cells.places.shape, *answers].append(number)
    return alike.values()


def _resample(images: int, seeds: int) -> Resample:
    import numpy as np

    rng = np.random.default_rng(0)
    held = rng.multinomial(images, np.full(images, 1 / images), size=DRAWS)
    picked = rng.integers(0, seeds, (DRAWS, seeds))
    counts = [np.bincount(draw, minlength=seeds) for draw in picked]
    return Resample(
        images=np.ascontiguousarray(held.T, dtype=np.float32),
        seeds=np.ascontiguousarray(np.transpose(counts), dtype=np.float32),
    )


def _interval(
    found: Measurements, cells: Cells, *, drawn: Resample, kept: Accuracies
) -> tuple[float, float, float]:
    import numpy as np

    score = float(area(kept.measured, found.saved[cells.places].T).mean())
    weights = drawn.seeds[cells.seeds]
    total = (_drawn_areas(_drawn_savings(found, cells), kept) * weights).sum(axis=0)
    held = weights.sum(axis=0)
    # A draw that holds none of the method's seeds says nothing new: it repeats the estimate.
    draws = np.where(held > 0, total / np.maximum(held, 1.0), score)
    low, high = np.quantile(draws, (0.025, 0.975))
    return score, float(low), float(high)


def _drawn_savings(found: Measurements, cells: Cells) -> Singles:
    """`(levels, seeds, draws)`, as fractions of the dense latency."""
    import numpy as np

    levels, seeds = cells.places.shape
    # A stream of each method's own, so that its interval does not depend on who else was run.
    own = np.random.default_rng(zlib.crc32(found.keys.iloc[cells.places[0, 0]].encode()))
    noise = own.standard_normal((DRAWS + 1, levels))[1:].T.astype(np.float32)
    # Each seed takes the noise of other draws, every second one mirrored: within a draw no two seeds
    # share any, so that a draw is what it would be if each seed had a stream of its own.
    step = max(1, DRAWS // seeds)
    wound = noise.take(np.arange(DRAWS + step * seeds) % DRAWS, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(wound, DRAWS, axis=1)[:, : step * seeds : step]
    sign = np.where(np.arange(seeds) % 2, -1.0, 1.0)
    saved: Singles = windows * (found.error[cells.places] * sign)[..., None].astype(np.float32)
    saved += found.saved[cells.places][..., None].astype(np.float32)
    return np.minimum(saved, 1.0, out=saved) if saved.max() > 1.0 else saved


def _drawn_areas(saved: Singles, kept: Accuracies) -> Singles:
    """What `area` says of every draw `(seeds, draws)`, summed over accuracies instead of savings."""
    import numpy as np

    total, best = np.zeros(saved.shape[1:], np.float32), np.zeros(saved.shape[1:], np.float32)
    term = np.empty_like(total)
    flat = saved.reshape(-1)
    for order, gain in zip(kept.order, kept.gain, strict=True):
        # Among the levels at least this accurate, the best saves this much.
        np.maximum(best, np.take(flat, order, out=term, mode="clip"), out=best)
        np.multiply(best, gain, out=term)
        total += term
    return total


def area(retained: Doubles, saved: Doubles) -> Doubles:
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
    total: Doubles = (best * steps).sum(axis=1)
    return total
