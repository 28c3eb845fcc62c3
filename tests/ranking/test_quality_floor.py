"""The best time at a quality floor, between measured levels only."""

import pytest

from harness.ranking.quality_floor import latency_at_floor


def test_between_two_levels_it_lies_where_a_line_crosses_the_floor():
    assert latency_at_floor([(1.00, 8.0), (0.98, 4.0)], 0.99) == pytest.approx(6.0)


def test_a_level_at_the_floor_counts_as_it_is():
    assert latency_at_floor([(0.99, 5.0)], 0.99) == 5.0
    assert latency_at_floor([(0.999, 8.0), (0.995, 3.0)], 0.99) == 3.0


def test_what_no_level_reaches_is_not_reached_and_nothing_is_said_beyond_the_last():
    assert latency_at_floor([(0.98, 5.0), (0.9, 2.0)], 0.99) is None
    assert latency_at_floor([], 0.99) is None


def test_a_level_that_is_slower_and_worse_does_not_hurt():
    assert latency_at_floor([(1.0, 4.0), (0.5, 6.0)], 0.99) == 4.0


def test_accuracy_that_comes_back_counts_from_both_sides():
    levels = [(0.98, 8.0), (1.00, 4.0), (0.98, 2.0)]
    assert latency_at_floor(levels, 0.99) == pytest.approx(3.0)
