"""Pooled variances between seeds: what many methods say of how far each strays (Smyth 2004)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

SWEEPS = 20
"""Of taking off means of methods and seeds in turn, where some scores are missing."""
MIN_VARIANCE_FRACTION = 1e-4
"""Least variance of a method, as a fraction of the median: equal scores by luck are no certainty."""


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
