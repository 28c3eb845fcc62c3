"""Saved shares agree across machines of other speeds, and intervals that touch meet."""

import pytest

from harness.exchange._saved_share import intervals_meet, saved_share

ROW = {"ms_saved": 4.0, "ms_saved_low": 3.0, "ms_saved_high": 5.0, "dense_latency_ms": 10.0}


def test_a_machine_of_half_the_speed_saves_the_same_share():
    slower = {name: 2.0 * value for name, value in ROW.items()}
    assert saved_share(ROW) == saved_share(slower) == (0.4, 0.3, 0.5)


@pytest.mark.parametrize(
    ("other", "meet"), [((0.6, 0.5, 0.7), True), ((0.6, 0.51, 0.7), False), ((0.4, 0.2, 0.6), True)]
)
def test_intervals_meet_in_a_common_value(other, meet):
    assert intervals_meet((0.4, 0.3, 0.5), other) is meet
    assert intervals_meet(other, (0.4, 0.3, 0.5)) is meet
