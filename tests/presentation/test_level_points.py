"""Points of a method by level, their intervals, and who is on the front."""

import numpy as np
import pytest

from harness.presentation.level_points import LevelPoints, pareto_front
from harness.ranking.leaderboard import leaderboards
from harness.storage.bits import encode_bits
from tests.doubles import made_row

ALL = encode_bits(np.ones(100, dtype=bool))
MOST = encode_bits(np.arange(100) < 90)


def entry_of(*rows):
    [board] = leaderboards(rows)
    [entry] = board.entries
    return entry


def interval(*rows) -> tuple[float | None, float | None]:
    [point] = LevelPoints().of(entry_of(*rows))
    return point["retained_low"], point["retained_high"]


def test_a_point_says_what_its_level_retains_and_saves():
    deep = made_row(
        sparsity=0.9, granularity="channel:8", retained=0.81239, top1=0.8, top1_backend=0.79,
        latency_ms=2.0, ms_saved=8.0, ms_saved_low=7.5, ms_saved_high=8.5, macs=50, correct=None,
    )  # fmt: skip
    mild = made_row(sparsity=0.5, granularity="channel:8")
    first, second = LevelPoints().of(entry_of(deep, mild))
    assert first["level"] == 0.5
    assert second == {
        "method": "group_norm_l2 channel:8 local one_shot", "kind": "channel", "level": 0.9,
        "saved": 8.0, "saved_low": 7.5, "saved_high": 8.5, "retained": 0.8124,
        "retained_low": None, "retained_high": None, "top1": 0.79, "speedup": 5.0,
        "realised": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize(("own", "dense"), [(ALL, ALL), (MOST, MOST)])
def test_answers_that_are_as_right_as_those_of_dense_retain_all_for_sure(own, dense):
    assert interval(made_row(correct=own, dense_correct=dense)) == (1.0, 1.0)


def test_an_interval_is_as_wide_as_the_draw_of_test_images_makes_it():
    # 90 of 100 right beside 100: a binomial's standard deviation is sqrt(0.9 * 0.1 / 100) = 0.03.
    low, high = interval(made_row(correct=MOST, dense_correct=ALL))
    assert low == pytest.approx(0.9 - 1.96 * 0.03, abs=0.02)
    assert high == pytest.approx(0.9 + 1.96 * 0.03, abs=0.02)
    # Two seeds of which one has 50 right: the mean of two of them is 0.5, 0.7 or 0.9.
    half = encode_bits(np.arange(100) < 50)
    low, high = interval(made_row(correct=MOST), made_row(correct=half, seed=1))
    assert low < 0.55
    assert high > 0.85


def test_without_the_bits_of_every_seed_there_is_no_interval():
    assert interval(made_row(correct=None)) == (None, None)
    assert interval(made_row(dense_correct=None)) == (None, None)
    assert interval(made_row(), made_row(seed=1, correct=None)) == (None, None)
    assert interval(made_row(), made_row(seed=1, images=50)) == (None, None)


def test_the_same_bits_are_drawn_once_whatever_boards_have_them():
    points = LevelPoints()
    boards = leaderboards([made_row(batch=batch) for batch in (1, 8, 32)])
    drawn = [points.of(entry) for board in boards for entry in board.entries]
    assert len(drawn) == 3
    assert drawn[0] == drawn[1] == drawn[2]
    assert points._interval_of.cache_info().misses == 1


def test_the_front_leaves_out_what_another_point_matches_on_both_counts():
    def front(*pairs):
        points = pareto_front({"saved": saved, "retained": retained} for saved, retained in pairs)
        return [(point["saved"], point["retained"]) for point in points]

    ties = [(4, 0.9), (4, 0.8), (0, 1.0), (2, 0.9), (6, 0.5), (4, 0.9), (1, 0.95), (6, 0.5)]
    assert front(*ties) == front(*ties[::-1]) == [(0, 1.0), (1, 0.95), (4, 0.9), (6, 0.5)]
    assert front((1, 0.9), (2, 0.9), (3, 0.9)) == [(3, 0.9)]
    assert front((-1, 0.9), (-2, 0.99)) == [(-2, 0.99), (-1, 0.9)]
    assert front() == []
