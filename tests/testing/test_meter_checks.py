"""Each check of a meter refuses one that is wrong in that way alone."""

import time
from unittest import SkipTest

import pytest

from harness.testing.meters import check_meter


class Stopwatch:
    """A watt a second; what the broken ones below start from."""

    name, source = "stopwatch", "estimated"

    def unavailable(self):
        return None

    def meters(self, backend):
        return backend.describe()["device"] != ""

    def begin(self):
        self.began = time.perf_counter()

    def end(self):
        return time.perf_counter() - self.began


class Guess(Stopwatch):
    source = "guessed"


class Accumulating(Stopwatch):
    """Never sets its counter back."""

    def begin(self):
        self.began = getattr(self, "began", time.perf_counter())


class Silent(Stopwatch):
    def end(self):
        return None


class Zero(Stopwatch):
    def end(self):
        return 0.0


class Negative(Stopwatch):
    def end(self):
        return -1.0


class Worded(Stopwatch):
    def end(self):
        return "much"


class Unsure(Stopwatch):
    def meters(self, backend):
        return None


class Mute(Stopwatch):
    def unavailable(self):
        return " "


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Guess(), "source must be one of .*, not 'guessed'"),
        (Accumulating(), "counts on from an earlier `begin`"),
        (Zero(), "0 joules is a counter that told nothing"),
        (Negative(), "energy is a number of joules or None, not -1.0"),
        (Worded(), "energy is a number of joules or None, not 'much'"),
        (Unsure(), "`meters` must say whether it can, as True or False"),
        (Mute(), "`unavailable` must return None or say why"),
    ],
)
def test_a_broken_meter_is_told_what_is_wrong(broken, sentence):
    assert check_meter(Stopwatch()) == ()
    with pytest.raises(AssertionError, match=sentence):
        check_meter(broken)


def test_a_meter_that_tells_nothing_says_none():
    assert check_meter(Silent()) == ()


class Absent(Stopwatch):
    def unavailable(self):
        return "no counter is here"


def test_a_meter_that_is_not_here_is_skipped_with_its_reason():
    with pytest.raises(SkipTest, match="stopwatch: no counter is here"):
        check_meter(Absent())
