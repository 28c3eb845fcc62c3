"""Rank test: which methods are surely better than others, by differences paired over seeds.

Two seeds of a method say little of how far it strays, and sixteen methods say much: their variances are
pooled by empirical Bayes before the differences are tested, all pairs at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Decisions = NDArray[np.int8]

Correction = Literal["holm", "fdr"]
LEVEL = 0.05
LEAST_SEEDS = 2
SWEEPS = 20
"""Of taking off means of methods and seeds in turn, where some scores are missing."""
MIN_VARIANCE_FRACTION = 1e-4
"""Least variance of a method, as a fraction of the median: equal scores by luck are no certainty."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodScores:
    """Scores of a board's methods by seed, with what is uncertain besides the seeds.

    `by_seed` `(methods, seeds)` is nan where a method has no such seed. `draws` `(methods, draws)` are
    mean scores of the same seeds on drawn test images and times; at one index all see the same images.
    """

    by_seed: Doubles
    draws: Singles | Doubles


@dataclass(frozen=True, kw_only=True)
class RankInterval:
    """Rank interval: 1 and those surely better, to those not surely worse (Mogstad et al. 2024)."""

    low: int
    high: int

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"


@dataclass(frozen=True, kw_only=True, eq=False)
class PooledVariances:
    """Variances between seeds, `(methods,)`, and their degrees of freedom, after pooling."""

    variances: Doubles
    freedom: Doubles


def pooled_variances(by_seed: Doubles) -> PooledVariances:
    """Pooled variances between seeds, each drawn towards what the methods have in common.

    What all methods of a seed share, such as the luck of its dense model, is taken off first, since a
    paired difference does not have it. The prior's degrees of freedom and variance are fitted to the
    logarithms of the methods' variances (Smyth 2004, sec. 6.2).
    """
    import numpy as np

    own, freedom = _own_variances(by_seed)
    known = freedom > 0
    if not known.any():
        return PooledVariances(variances=np.zeros_like(own), freedom=freedom)
    prior, prior_freedom = _fitted_prior(own[known], freedom[known])
    if np.isinf(prior_freedom):
        return PooledVariances(
            variances=np.full_like(own, prior), freedom=np.full_like(own, freedom[known].sum())
        )
    total = prior_freedom + freedom
    variances = (prior_freedom * prior + freedom * np.where(known, own, 0.0)) / total
    # All the methods together have no more degrees of freedom than they have seeds to spare.
    return PooledVariances(variances=variances, freedom=np.minimum(total, freedom[known].sum()))


def _own_variances(by_seed: Doubles) -> tuple[Doubles, Doubles]:
    """Variances `(methods,)` around what a seed's methods share, and degrees of freedom."""
    import numpy as np

    present = ~np.isnan(by_seed)
    freedom = (present.sum(axis=1) - 1).clip(0).astype(np.float64)
    squares = (_residuals(by_seed, present) ** 2).sum(axis=1)
    # A seed's mean takes a part of each of its methods' deviations with it.
    methods = int((freedom > 0).sum())
    kept = 1.0 - 1.0 / methods if methods > 1 else 1.0
    return squares / np.maximum(freedom, 1.0) / kept, freedom


def _residuals(by_seed: Doubles, present: NDArray[np.bool_]) -> Doubles:
    """Residuals of scores from the means of their method and seed, 0 where there is no score."""
    import numpy as np

    rest = np.where(present, by_seed, 0.0)
    counts = [present.sum(axis=axis, keepdims=True).clip(1) for axis in (1, 0)]
    # With holes, taking off either mean moves the other; without, one sweep is enough.
    for _ in range(SWEEPS):
        for axis, count in zip((1, 0), counts, strict=True):
            rest = np.where(present, rest - rest.sum(axis=axis, keepdims=True) / count, 0.0)
    return rest


def _fitted_prior(own: Doubles, freedom: Doubles) -> tuple[float, float]:
    """Prior variance and degrees of freedom of the methods' variances, by moments of logarithms."""
    import numpy as np
    from scipy.special import digamma, polygamma

    positive = own[own > 0.0]
    if not len(positive):
        return 0.0, float("inf")
    floored = np.maximum(own, MIN_VARIANCE_FRACTION * np.median(positive))
    half = freedom / 2.0
    logs = np.log(floored) - digamma(half) + np.log(half)
    spread = float(np.var(logs, ddof=1) - np.mean(polygamma(1, half))) if len(logs) > 1 else 0.0
    if spread <= 0.0:
        return float(np.exp(logs.mean())), float("inf")
    prior_half = _inverse_trigamma(spread)
    prior = np.exp(logs.mean() + digamma(prior_half) - np.log(prior_half))
    return float(prior), 2.0 * prior_half


def _inverse_trigamma(value: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import polygamma

    root: float = brentq(lambda x: float(polygamma(1, x)) - value, 1e-8, 1e8)
    return root


def paired_p_values(scores: MethodScores) -> Doubles:
    """P-values `(methods, methods)` of no difference, two-sided, by Welch's t (1947).

    The variance of a mean difference is that between seeds, pooled, and that of the drawn images and
    times, which methods share as far as they see the same. 1 where fewer than two seeds are shared.
    """
    import numpy as np
    from scipy.stats import t

    pooled, present = pooled_variances(scores.by_seed), ~np.isnan(scores.by_seed)
    shared = present.astype(np.float64) @ present.T
    filled = np.where(present, scores.by_seed, 0.0)
    sums = filled @ present.T.astype(np.float64)
    count = np.maximum(shared, 1.0)
    difference = (sums - sums.T) / count
    seeds = pooled.variances[:, None] / count, pooled.variances[None, :] / count
    variance = seeds[0] + seeds[1] + _variances_of_differences(scores.draws)
    freedom = _welch_freedom(seeds, pooled.freedom)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(difference == 0.0, 0.0, np.abs(difference) / np.sqrt(variance))
    p: Doubles = np.where(shared >= LEAST_SEEDS, 2.0 * t.sf(statistic, freedom), 1.0)
    np.fill_diagonal(p, 1.0)
    return p


def _variances_of_differences(draws: Singles | Doubles) -> Doubles:
    """Variances `(methods, methods)` of differences between the methods' draws."""
    import numpy as np

    centred = draws.astype(np.float64) - draws.mean(axis=1, keepdims=True, dtype=np.float64)
    products = centred @ centred.T / max(draws.shape[1] - 1, 1)
    own = products.diagonal()
    variances: Doubles = np.maximum(own[:, None] + own[None, :] - 2.0 * products, 0.0)
    return variances


def _welch_freedom(seeds: tuple[Doubles, Doubles], freedom: Doubles) -> Doubles:
    """Degrees of freedom of differences (Satterthwaite 1946), of what varies between seeds alone.

    To count images and times as known would promise most where the seeds lie close by luck.
    """
    import numpy as np

    own = np.maximum(freedom, 1.0)
    shares = seeds[0] ** 2 / own[:, None] + seeds[1] ** 2 / own[None, :]
    known = shares > 0.0
    pooled: Doubles = np.where(known, (seeds[0] + seeds[1]) ** 2 / np.where(known, shares, 1.0), np.inf)
    return np.minimum(pooled, 1e6)


def apart(scores: MethodScores, *, correction: Correction = "holm", level: float = LEVEL) -> Decisions:
    """Decisions `(methods, methods)`: 1 where the row's is surely better, -1 surely worse, else 0.

    `holm` keeps the chance of any wrong pair of the board at `level` (Holm 1979), `fdr` the expected
    share of wrong ones among the pairs told apart (Benjamini and Hochberg 1995).
    """
    import numpy as np
    from statsmodels.stats.multitest import multipletests

    count = len(scores.by_seed)
    decided = np.zeros((count, count), dtype=np.int8)
    if count < 2:
        return decided
    one, other = np.triu_indices(count, 1)
    method = "holm" if correction == "holm" else "fdr_bh"
    rejected, *_ = multipletests(paired_p_values(scores)[one, other], alpha=level, method=method)
    sign = np.sign(_mean_differences(scores.by_seed)[one, other]).astype(np.int8) * rejected
    decided[one, other], decided[other, one] = sign, -sign
    return decided


def _mean_differences(by_seed: Doubles) -> Doubles:
    """Mean differences `(methods, methods)` over the seeds that both have; 0 where there are none."""
    import numpy as np

    present = ~np.isnan(by_seed)
    sums = np.where(present, by_seed, 0.0) @ present.T.astype(np.float64)
    shared = present.astype(np.float64) @ present.T
    differences: Doubles = (sums - sums.T) / np.maximum(shared, 1.0)
    return differences


def rank_intervals(decided: Decisions) -> list[RankInterval]:
    """Rank intervals of the methods, in their order."""
    better, worse = (decided < 0).sum(axis=1), (decided > 0).sum(axis=1)
    return [
        RankInterval(low=1 + int(above), high=len(decided) - int(below))
        for above, below in zip(better, worse, strict=True)
    ]
