"""What `--fail-on` lets pass, what it refuses, and which gates are closed without it."""

import pytest

from harness.comparisons.fail_on import FAIL_ON, read_fail_on
from harness.comparisons.verdicts import TOLERANCES
from harness.errors import HarnessError


def test_what_is_not_named_keeps_its_tolerance():
    assert read_fail_on(FAIL_ON, remeasured=False).tolerances == TOLERANCES
    fails = read_fail_on("accuracy=1, size=off", remeasured=False)
    assert fails.tolerances == {**TOLERANCES, "accuracy": 0.01, "size": float("inf")}


def test_a_gate_is_closed_unless_it_is_off():
    counts = {"lost": 3, "unsteady": 0}
    [sentence] = read_fail_on(FAIL_ON, remeasured=False).sentences(counts)
    assert sentence == "3 rows of the base are not in NEW (--fail-on lost=off lets that pass)"
    assert read_fail_on("lost=off", remeasured=False).sentences(counts) == []


def test_times_are_judged_where_one_session_settles_them():
    assert read_fail_on("latency=5", remeasured=True).tolerances["latency"] == 0.05
    with pytest.raises(HarnessError, match="latency of two sessions cannot be judged"):
        read_fail_on("latency=5", remeasured=False)
    assert read_fail_on("latency=off", remeasured=False).tolerances["latency"] == float("inf")
