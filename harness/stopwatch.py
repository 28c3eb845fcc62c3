"""The only clock: interleaved timing of several models, and the statistics of the pairs.

Two separate blocks of timing the same model differ by several per cent, pairs taken in turn by about
one: so every round times every model once, in shuffled order, and a saving is the median over rounds
of dense minus pruned.
"""

from __future__ import annotations

import gc
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WARMUP_ROUNDS = 2
MIN_ROUNDS = 12
MAX_ROUNDS = 200
RESAMPLES = 1000
CONFIDENCE = 0.95


def interleave(
    runs: Mapping[str, Callable[[], object]], *, seconds: float, seed: int
) -> dict[str, list[float]]:
    """Milliseconds of each run in each round; entry `i` of all lists is the same round.

    Stops after `seconds`, but not before 12 rounds nor after 200; two rounds of warm-up are left
    out and the garbage collector is off meanwhile.
    """
    for run in [*runs.values()] * WARMUP_ROUNDS:
        run()
    samples: dict[str, list[float]] = {name: [] for name in runs}
    order, shuffle = list(runs), random.Random(seed)  # noqa: S311 -- an order, not a secret
    collecting = gc.isenabled()
    gc.disable()
    try:
        began = time.perf_counter()
        for done in range(MAX_ROUNDS):
            if done >= MIN_ROUNDS and time.perf_counter() - began > seconds:
                break
            shuffle.shuffle(order)
            for name in order:
                samples[name].append(_milliseconds(runs[name]))
    finally:
        if collecting:
            gc.enable()
    return samples


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - began) / 1e6


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A median with its 95 % bootstrap interval and standard error, in the unit of the samples."""

    value: float
    low: float
    high: float
    error: float


def median(samples: Sequence[float]) -> Estimate:
    """Median of the samples; the interval is a percentile bootstrap (Efron 1979), seeded."""
    import numpy as np
    from scipy.stats import bootstrap

    values = np.asarray(samples, dtype=np.float64)
    if np.ptp(values) == 0.0:
        return Estimate(value=float(values[0]), low=float(values[0]), high=float(values[0]), error=0.0)
    found = bootstrap(
        (values,),
        np.median,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    interval = found.confidence_interval
    return Estimate(
        value=float(np.median(values)),
        low=float(interval.low),
        high=float(interval.high),
        error=float(found.standard_error),
    )


def saving(dense: Sequence[float], pruned: Sequence[float]) -> Estimate:
    """Median of dense minus pruned over rounds; both lists in the order of the rounds."""
    return median([before - after for before, after in zip(dense, pruned, strict=True)])
