"""Variances of many methods, each drawn towards what they have in common."""

import numpy as np
import pytest
from scipy.special import digamma, polygamma

from harness.ranking._pooled_variances import pooled_variances


def test_variances_are_drawn_towards_each_other_as_by_smyth_2004():
    by_seed = np.random.default_rng(0).normal(0, 0.01, (40, 3))
    # What the seeds of all methods share is taken off, and a part of each one's own with it.
    rest = by_seed - by_seed.mean(axis=0)
    own, freedom = rest.var(axis=1, ddof=1) / (1 - 1 / 40), 2.0
    logs = np.log(own) - digamma(freedom / 2) + np.log(freedom / 2)
    spread = logs.var(ddof=1) - polygamma(1, freedom / 2)
    found = pooled_variances(by_seed)
    if spread <= 0:
        expected = np.full(40, np.exp(logs.mean()))
    else:
        grid = np.geomspace(1e-3, 1e6, 200_001)
        half = grid[np.abs(polygamma(1, grid) - spread).argmin()]
        prior = np.exp(logs.mean() + digamma(half) - np.log(half))
        expected = (2 * half * prior + freedom * own) / (2 * half + freedom)
    np.testing.assert_allclose(found.variances, expected, rtol=1e-3)
    assert found.variances.std() < own.std()
    assert found.variances.mean() == pytest.approx(1e-4, rel=0.5)


def test_unlike_methods_keep_unlike_variances():
    random = np.random.default_rng(0)
    spread = np.array([0.001] * 8 + [0.1] * 8)
    found = pooled_variances(random.normal(0, 1, (16, 5)) * spread[:, None])
    assert found.variances[:8].max() < found.variances[8:].min()
    assert found.freedom.max() < 16 * 4, "little is known of a method from ones unlike it"
