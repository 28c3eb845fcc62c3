"""One rule for all sessions: how many processes, and how long each of them samples."""

import pytest

from harness.machine.clock import Limits
from harness.measuring.stopping import StoppingRule, stop_reason
from harness.measuring.timing_results import ProcessTiming


def test_one_precision_is_asked_for_within_a_process_and_between_processes():
    rule = StoppingRule.to_precision(0.002, seconds=30.0)
    assert (rule.precision_within, rule.precision_between) == (0.002, 0.002)
    assert rule.limits == Limits(precision=0.002, seconds=1.0)


def test_a_process_takes_no_longer_than_the_session_has():
    assert StoppingRule(seconds=0.25).limits.seconds == 0.25
    assert StoppingRule(seconds=60.0, process_seconds=5.0).limits.seconds == 5.0


@pytest.mark.parametrize(
    ("count", "seconds", "reached", "reason"),
    [
        (1, 99.0, "precise", None),
        (2, 0.0, "precise", "precise"),
        (2, 99.0, "plateau", "plateau"),
        (2, 5.0, None, None),
        (2, 10.0, None, "time"),
        (4, 5.0, None, "processes"),
        (4, 10.0, None, "time"),
    ],
)
def test_whatever_is_asked_of_timings_the_frame_is_the_same(count, seconds, reached, reason):
    rule = StoppingRule(least=2, most=4, seconds=10.0)
    stop = stop_reason(
        [ProcessTiming()] * count, stopping_rule=rule, seconds=seconds, convergence=lambda _: reached
    )
    assert stop == reason
