"""Peak resident memory from a moment on, whatever was resident before."""

import sys

import numpy as np
import pytest

from harness import peak
from harness.peak import PeakMemory

# Other memory of the test process comes and goes, but not by so much.
NEAR = 8.0


def touched(megabytes):
    return np.ones(int(megabytes * 1e6), dtype=np.uint8)


def test_what_was_freed_again_counts_and_what_was_there_before_does_not():
    before = touched(100)
    memory = PeakMemory()
    touched(60)
    assert memory.added_mb() == pytest.approx(60, abs=NEAR)
    assert before.size


def test_nothing_added_is_nothing():
    assert PeakMemory().added_mb() == pytest.approx(0, abs=NEAR)


@pytest.fixture
def unforgetting(monkeypatch, tmp_path):
    """A system whose record of the peak cannot be reset from now on."""
    PeakMemory()
    monkeypatch.setattr(peak, "CLEAR", tmp_path / "nowhere" / "clear_refs")


def test_a_peak_below_an_earlier_one_is_not_known(unforgetting):
    touched(300)
    memory = PeakMemory()
    touched(100)
    assert memory.added_mb() is None
    touched(500)
    assert memory.added_mb() == pytest.approx(500, abs=NEAR)


def test_elsewhere_the_peak_is_that_of_resource_usage(unforgetting, monkeypatch, tmp_path):
    monkeypatch.setattr(peak, "STATUS", tmp_path / "nowhere" / "status")
    touched(300)
    memory = PeakMemory()
    touched(700)
    assert memory.added_mb() == pytest.approx(700, abs=NEAR)


def test_where_the_system_tells_nothing_nothing_is_known(unforgetting, monkeypatch, tmp_path):
    monkeypatch.setattr(peak, "STATUS", tmp_path / "nowhere" / "status")
    monkeypatch.setitem(sys.modules, "resource", None)
    memory = PeakMemory()
    touched(100)
    assert memory.added_mb() is None
