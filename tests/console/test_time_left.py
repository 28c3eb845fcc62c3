"""The bar's fraction and the time left follow what phases take, and never run backwards."""

import pytest

from harness.console._time_left import TimeLeft


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_nothing_is_told_before_anything_is_known(clock):
    time_left = TimeLeft(clock)
    time_left.begin("starting", 0)
    clock.now = 5.0
    assert time_left.seconds_left() is None
    assert time_left.fraction() == 0.0


def test_it_moves_with_the_clock_while_nothing_is_done_yet(clock):
    time_left = TimeLeft(clock)
    time_left.expect([("training", 60.0), ("timing", 40.0)])
    time_left.begin("training", 10)
    clock.now = 30.0
    assert time_left.seconds_left() == pytest.approx(70.0)
    assert time_left.fraction() == pytest.approx(0.3)


def test_what_is_done_of_a_phase_tells_more_than_what_was_thought(clock):
    time_left = TimeLeft(clock)
    time_left.expect([("training", 60.0)])
    time_left.begin("training", 10)
    clock.now = 90.0
    time_left.advance(9)
    # Nine tenths took 90 seconds, so it is 100 in all, or a little less by what was thought.
    assert time_left.seconds_left() == pytest.approx(0.9 * 100 + 0.1 * 60 - 90)


def test_later_phases_are_as_slow_as_those_before(clock):
    time_left = TimeLeft(clock)
    time_left.expect([("training", 60.0), ("timing", 40.0)])
    time_left.begin("training", 10)
    clock.now = 120.0
    time_left.advance(10)
    time_left.begin("timing", 5)
    # Twice what was thought, of which a tenth of all counts as seen to be true.
    assert time_left.seconds_left() == pytest.approx(40.0 * (120.0 + 10.0) / (60.0 + 10.0))
    assert time_left.fraction() == pytest.approx(120.0 / (120.0 + time_left.seconds_left()))


def test_a_short_phase_that_takes_long_tells_little_of_the_others(clock):
    time_left = TimeLeft(clock)
    time_left.expect([("levels", 5.0), ("training", 395.0)])
    time_left.begin("levels", 0)
    clock.now = 15.0
    time_left.begin("training", 10)
    assert 395.0 < time_left.seconds_left() < 1.25 * 395.0


def test_a_phase_without_work_is_passed_over(clock):
    time_left = TimeLeft(clock)
    time_left.expect([("training", 60.0), ("memory", 30.0), ("timing", 10.0)])
    time_left.begin("training", 1)
    clock.now = 60.0
    time_left.begin("timing", 1)
    assert time_left.seconds_left() == pytest.approx(10.0)


def test_the_fraction_never_falls(clock):
    time_left = TimeLeft(clock)
    time_left.expect([("training", 10.0), ("timing", 10.0)])
    time_left.begin("training", 10)
    clock.now = 8.0
    before = time_left.fraction()
    clock.now = 9.0
    time_left.advance(1)
    assert time_left.seconds_left() > 11.0
    assert time_left.fraction() >= before


def test_a_phase_that_nobody_expected_tells_by_what_is_done(clock):
    time_left = TimeLeft(clock)
    time_left.begin("covering", 4)
    clock.now = 10.0
    time_left.advance(1)
    assert time_left.seconds_left() == pytest.approx(30.0)
