"""Confidence intervals of medians over processes: placement moves a time more than noise does.

Unchanged code moves by several per cent between processes, and rounds within one process cannot see
it. So a measurement is several processes, and an interval from three of them is as wide as three draws
deserve. A process in whose rounds the machine was busy says less than a quiet one, and weighs less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 1000
CONFIDENCE = 0.95

Processes = Sequence[Sequence[float]]
"""Samples of each process, in the order of its rounds."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimate with its 95 % interval and standard error, in the unit of the samples."""

    value: float
    low: float
    high: float
    error: float


def mean_of_medians(processes: Processes, weights: Sequence[float] | None = None) -> Estimate:
    """Mean over processes, weighted where `weights` are given, of the median over rounds.

    The bootstrap of such samples draws processes and keeps the rounds of each, since their medians
    already carry the noise of rounds (Davison and Hinkley 1997, 3.8). Of a mean of few it promises
    too much, so that the interval is what it grows into, Student's (1908), and with weights that of
    Hartung and Knapp (2001), which is Student's where all are the same. Of one process it is a
    percentile bootstrap over rounds, blind to placement.
    """
    groups = [np.asarray(samples, dtype=np.float64) for samples in processes]
    medians = np.array([np.median(samples) for samples in groups])
    weighting = np.ones(len(groups)) if weights is None else np.asarray(weights, dtype=np.float64)
    value = float(np.average(medians, weights=weighting))
    if all(np.ptp(samples) == 0.0 for samples in groups) and len({s[0] for s in groups}) == 1:
        return Estimate(value=value, low=value, high=value, error=0.0)
    if len(groups) == 1:
        return _estimate_over_rounds(groups[0], value)
    return _estimate_over_processes(medians, weighting, value)


def saving(dense: Processes, pruned: Processes, weights: Sequence[float] | None = None) -> Estimate:
    """Saving: `mean_of_medians` of dense minus pruned, paired by round, at dense's mean time.

    A process that is slower as a whole, as beside a busy neighbour, tells more milliseconds and the
    same fraction of dense: each process's savings are scaled to dense's mean over processes (a ratio
    estimator: Cochran 1977, chapter 6). How far that mean is off is the interval of dense's time.
    """
    medians = [float(np.median(samples)) for samples in dense]
    mean = float(np.average(medians, weights=weights))
    return mean_of_medians(
        [
            [mean / median * (before - after) for before, after in zip(ours, theirs, strict=True)]
            for ours, theirs, median in zip(dense, pruned, medians, strict=True)
        ],
        weights,
    )


def process_weights(processes: Sequence[Sequence[Sequence[float]]]) -> list[float]:
    """Weights of processes, from the samples of all models interleaved in each.

    `1 / (s0^2 + s^2)`, with `s` the relative error that its rounds leave in a median and `s0` the
    median of these: rounds' variance beside placement's, which is taken to be as large (Cochran's
    semi-weighted mean, 1954). They depend on no model's median, and none outweighs a typical process
    more than twice.
    """
    noise = np.array([_relative_error(models) for models in processes])
    typical = float(np.median(noise))
    if typical == 0.0:
        return [1.0] * len(processes)
    weights: list[float] = (1.0 / (1.0 + (noise / typical) ** 2)).tolist()
    return weights


def _relative_error(models: Sequence[Sequence[float]]) -> float:
    """Relative error of a median, the median over models; up to a constant factor."""
    relative = [median_absolute_deviation([samples]) / float(np.median(samples)) for samples in models]
    return float(np.median(relative)) / math.sqrt(len(models[0]))


def median_absolute_deviation(processes: Processes) -> float:
    """Median absolute deviation (MAD) from each process's median, over all rounds."""
    centred = [np.abs(np.asarray(s) - np.median(s)) for s in processes]
    return float(np.median(np.concatenate(centred)))


def percentile(samples: Sequence[float], level: float) -> float | None:
    """Percentile, or None where so few samples cannot tell it (MLPerf LoadGen's early stopping).

    64 samples are the least for the 90th and 662 for the 99th.
    """
    least = {0.90: 64, 0.99: 662}[level]
    return float(np.quantile(samples, level)) if len(samples) >= least else None


def _estimate_over_rounds(samples: NDArray[np.float64], value: float) -> Estimate:
    from scipy.stats import bootstrap

    resampled = bootstrap(
        (samples,),
        np.median,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    interval, error = resampled.confidence_interval, float(resampled.standard_error)
    return Estimate(value=value, low=float(interval.low), high=float(interval.high), error=error)


def _estimate_over_processes(
    medians: NDArray[np.float64], weights: NDArray[np.float64], value: float
) -> Estimate:
    from scipy.stats import t

    spread = float(np.average((medians - value) ** 2, weights=weights))
    error = (spread / (len(medians) - 1)) ** 0.5
    half = float(t.ppf(0.5 + CONFIDENCE / 2, len(medians) - 1)) * error
    return Estimate(value=value, low=value - half, high=value + half, error=error)
