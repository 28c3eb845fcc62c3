"""Rank test: which methods are surely better than others, by differences paired over seeds.

Two seeds of a method say little of how far it strays, and sixteen methods say much: their variances are
pooled by empirical Bayes before the differences are tested, all pairs at once.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.ranking._pooled_variances import pooled_variances

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Decisions = NDArray[np.int8]

Correction = Literal["holm", "fdr"]
LEVEL = 0.05
LEAST_SEEDS = 2


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
    p_values = paired_p_values(scores)[one, other]
    with _nothing_to_collect():
        rejected, *_ = multipletests(p_values, alpha=level, method=method)
    sign = np.sign(_mean_differences(scores.by_seed)[one, other]).astype(np.int8) * rejected
    decided[one, other], decided[other, one] = sign, -sign
    return decided


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Keep what there is from the garbage collection that statsmodels asks for at every call.

    It takes a second beside PyTorch, for each board.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


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
