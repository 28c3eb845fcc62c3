"""Timing draws: what methods save in every draw of the clock's errors.

What was timed once errs once: for every method, level and seed that has the architecture; and the error
of dense is that of all that was timed beside it.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]
    Singles = NDArray[np.float32]
    RowIndices = NDArray[np.intp]

NORMAL_95 = 1.96
CACHED_NOISES = 4096


class TimingDraws:
    """Savings of rows as fractions of dense latency, `saved` `(rows + 1,)`, and in every draw.

    The index -1 is a last element that saves nothing.
    """

    def __init__(self, frame: pd.DataFrame, *, draws: int) -> None:
        import numpy as np

        dense, counts = frame["dense_latency_ms"].to_numpy(), frame["saves_time"].to_numpy()

        def fractions(values: Doubles) -> Doubles:
            return np.append(np.where(counts, values, 0.0) / dense, 0.0)

        self.saved = fractions(frame["ms_saved"].to_numpy())
        self._draws = draws
        self._errors = fractions(_timing_error(frame))
        self._timed = [*_timed_names(frame), ""]
        samples = frame["samples"].tolist()
        names = zip([*samples, ""], self._timed, strict=True)
        self._beside = [f"dense beside {archive or timed}" for archive, timed in names]
        self._noise_of = lru_cache(maxsize=CACHED_NOISES)(self._noise)

    def savings(self, indices: RowIndices) -> Singles:
        """Savings `(levels, seeds, draws)` of rows `(levels, seeds)`, at most 1."""
        import numpy as np

        shape = *indices.shape, self._draws
        drawn = np.broadcast_to(self.saved[indices][..., None].astype(np.float32), shape).copy()
        for names in (self._timed, self._beside):
            noise = np.stack([self._noise_of(names[index]) for index in indices.ravel().tolist()])
            drawn += noise.reshape(shape) * self._errors[indices][..., None].astype(np.float32)
        return np.minimum(drawn, 1.0, out=drawn)

    def _noise(self, name: str) -> Singles:
        import numpy as np

        # A stream of its own, so that an interval does not depend on what else was run.
        generator = np.random.default_rng(zlib.crc32(name.encode()))
        return generator.standard_normal(self._draws, dtype=np.float32)


def _timing_error(frame: pd.DataFrame) -> Doubles:
    """Errors of savings (ms), of which a model's own time and dense's have the same share.

    A saving is a ratio of two times, and what moves a time, where its weights lie in memory, moves
    both alike. From the widths of intervals, which are Student's where processes are few, and say more
    than the standard error.
    """
    low, high = (frame[name].to_numpy(dtype=float) for name in ("ms_saved_low", "ms_saved_high"))
    errors: Doubles = (high - low) / (2 * NORMAL_95 * 2**0.5)
    return errors


def _timed_names(frame: pd.DataFrame) -> list[str]:
    """Names of what was timed for each row: an architecture under conditions, or the row itself."""
    conditions = frame["backend"] + frame["batch"].map(" b{}".format) + frame["device"]
    shared = frame["architecture"] + conditions + frame["threads"].map(" t{}".format)
    names: list[str] = shared.where(frame["architecture"] != "", frame["key"]).tolist()
    return names
