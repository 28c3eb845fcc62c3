"""Peak resident memory from a moment on, whatever was resident before.

Each measurement has a process of its own, since in one that runs other tests memory comes and goes.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.machine import memory as peak
from harness.machine.memory import PeakMemory

NEAR = 8.0
NOWHERE = Path("nowhere") / "file"


def exclusive(measure):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure).result()


def touched(megabytes):
    return np.ones(int(megabytes * 1e6), dtype=np.uint8)


def added(megabytes):
    memory = PeakMemory()
    touched(megabytes)
    return memory.added_mb()


def without_a_reset():
    """A system whose record of the peak cannot be reset from now on."""
    PeakMemory()
    peak.CLEAR = NOWHERE


def after_others():
    before = touched(100)
    found = added(60)
    assert before.size
    return found


def test_what_was_freed_again_counts_and_what_was_there_before_does_not():
    assert exclusive(after_others) == pytest.approx(60, abs=NEAR)


def nothing():
    return PeakMemory().added_mb()


def test_nothing_added_is_nothing():
    assert exclusive(nothing) == pytest.approx(0, abs=NEAR)


def below_and_above_an_earlier_one():
    without_a_reset()
    touched(300)
    memory = PeakMemory()
    touched(100)
    below = memory.added_mb()
    touched(500)
    return below, memory.added_mb()


def test_a_peak_below_an_earlier_one_is_not_known():
    below, above = exclusive(below_and_above_an_earlier_one)
    assert below is None
    assert above == pytest.approx(500, abs=NEAR)


def by_resource_usage():
    without_a_reset()
    peak.STATUS = NOWHERE
    touched(300)
    # A process begins with the peak of the one that started it, which may be high.
    more = peak._peak_mb() - psutil.Process().memory_info().rss / 1e6 + 400
    return more, added(more)


def test_elsewhere_the_peak_is_that_of_resource_usage():
    more, found = exclusive(by_resource_usage)
    assert found == pytest.approx(more, abs=NEAR)


def untold():
    without_a_reset()
    peak.STATUS = NOWHERE
    sys.modules["resource"] = None
    return added(100)


def test_where_the_system_tells_nothing_nothing_is_known():
    assert exclusive(untold) is None
