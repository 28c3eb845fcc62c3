"""Ranks from paired differences: known answers, and how often tables of known truth err."""

import numpy as np
import pytest

from harness.ranking.rank_test import (
    MethodScores,
    RankInterval,
    apart,
    paired_p_values,
    rank_intervals,
)
from tests.benchmarks.rank_rates import GAP, Truth, rates


def scores(by_seed, *, noise=1e-4, draws=200):
    by_seed = np.asarray(by_seed, dtype=float)
    random = np.random.default_rng(0)
    return MethodScores(by_seed=by_seed, draws=random.normal(0, noise, (len(by_seed), draws)))


def table(methods=8, seeds=3, *, spread=0.01, seed=0, step=0.03):
    random = np.random.default_rng(seed)
    return step * np.arange(methods)[:, None] + random.normal(0, spread, (methods, seeds))


def test_a_rank_runs_from_the_surely_better_to_those_not_surely_worse():
    decided = np.array([[0, 0, 1, 1], [0, 0, 0, 1], [-1, 0, 0, 0], [-1, -1, 0, 0]], dtype=np.int8)
    found = rank_intervals(decided)
    assert found == [RankInterval(low=low, high=high) for low, high in ((1, 2), (1, 3), (2, 4), (3, 4))]
    assert [str(rank) for rank in (found[0], RankInterval(low=3, high=3))] == ["1 to 2", "3"]


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.3, -0.1, 0.05)])
def test_what_all_methods_of_a_seed_share_says_nothing(shift):
    plain, moved = table(), table() + np.array(shift)
    np.testing.assert_allclose(paired_p_values(scores(plain)), paired_p_values(scores(moved)))


def test_the_order_of_methods_does_not_matter():
    by_seed, order = table(), np.random.default_rng(1).permutation(8)
    one, other = scores(by_seed), scores(by_seed)
    other = MethodScores(by_seed=other.by_seed[order], draws=other.draws[order])
    np.testing.assert_array_equal(apart(one)[np.ix_(order, order)], apart(other))


def test_decisions_mirror_and_name_the_higher_score():
    decided = apart(scores(table(step=0.1)))
    assert (decided == -decided.T).all()
    assert (decided[np.tril_indices(8, -1)] == 1).all(), "each is better than all before it"


def test_holm_is_stricter_than_the_rate_of_false_discoveries():
    found = scores(table(step=0.012, methods=12))
    strict, lax = (np.abs(apart(found, correction=rule)).sum() for rule in ("holm", "fdr"))
    assert 0 < strict < lax


def test_twins_are_never_told_apart():
    by_seed = np.vstack([table(), table()[:1]])
    found = scores(by_seed)
    found.draws[-1] = found.draws[0]
    p = paired_p_values(found)
    assert p[0, -1] == 1.0
    assert np.isfinite(p).all()


def test_images_that_both_see_alike_are_no_difference_of_theirs():
    by_seed = table(methods=2, step=0.05, spread=0.002)
    images = np.random.default_rng(0).normal(0, 0.05, 500)
    together = MethodScores(by_seed=by_seed, draws=np.stack([images, images]))
    each = MethodScores(by_seed=by_seed, draws=np.stack([images, -images]))
    assert paired_p_values(together)[0, 1] < 0.05 < paired_p_values(each)[0, 1]


def test_methods_are_compared_over_the_seeds_that_both_have():
    by_seed = table(step=0.2)
    by_seed[0, 1:] = np.nan
    by_seed[1, 2] = np.nan
    decided = apart(scores(by_seed))
    assert not decided[0].any(), "one seed tells nothing"
    assert decided[1, 3] == -1, "two do"


@pytest.mark.parametrize("by_seed", [np.zeros((0, 3)), table(methods=1), table(seeds=1)])
def test_too_few_methods_or_seeds_are_not_told_apart(by_seed):
    assert not apart(scores(by_seed)).any()
    assert len(rank_intervals(apart(scores(by_seed)))) == len(by_seed)


TABLES = 200
SPREAD = np.random.default_rng(0).lognormal(np.log(0.0145), 0.25, 16)
"""Of the scores of sixteen methods between seeds: wider than in the published run, 0.001 to 0.011."""


@pytest.mark.parametrize("seeds", [2, 3])
def test_methods_with_equal_truth_are_placed_apart_in_at_most_5_percent_of_tables(seeds):
    equal = Truth(scores=np.full(16, 0.6), spread=SPREAD)
    assert rates(equal, seeds=seeds, correction="holm", tables=TABLES).wrong <= 0.05 * TABLES


def test_differences_of_8_points_are_found_in_at_least_80_percent_at_three_seeds():
    truth = Truth(scores=np.where(np.arange(16) % 2, 0.6, 0.6 - GAP), spread=SPREAD)
    found = rates(truth, seeds=3, correction="holm", tables=TABLES)
    assert found.gaps_found >= 0.8 * found.gaps
    assert found.swapped <= 0.01 * found.apart
