"""Bootstrap draws of a leaderboard's scores: over seeds, test images and timing rounds."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Rows = Sequence[Mapping[str, Any]]

DRAWS = 1000
NORMAL_95 = 1.96


class Draws:
    """Bootstrap draws of a board: seeds and images are shared by all its methods, times are not.

    Seeds and test images are drawn with replacement (Efron 1979); a saving is drawn from a normal
    as wide as its own interval over processes and rounds.
    """

    def __init__(self, rows: Rows) -> None:
        import numpy as np

        rng = np.random.default_rng(0)
        self._seeds = sorted({row["seed"] for row in rows})
        images = max((row["images"] or 0 for row in rows), default=0)
        even = np.full(max(images, 1), 1.0 / max(images, 1))
        # The first draw is the data as it is: its score is the estimate.
        resampled = rng.multinomial(max(images, 1), even, size=DRAWS) / max(images, 1)
        self._images = np.vstack([even, resampled])
        picked = rng.integers(0, len(self._seeds), (DRAWS, len(self._seeds)))
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
        # The interval is Student's where processes are few: its width says more than the error.
        width = np.array([row["ms_saved_high"] - row["ms_saved_low"] for row in rows])
        error = width / (2 * NORMAL_95)
        counts = np.array([bool(row["saves_time"]) for row in rows])
        # A stream of each method's own, so that its interval does not depend on who else was run.
        own = np.random.default_rng(zlib.crc32(rows[0]["key"].encode()))
        noise = own.standard_normal((DRAWS + 1, len(rows)))
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
