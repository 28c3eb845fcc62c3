"""The stopping rule of timing: when a session has processes enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.measuring.timing_results import TimingResults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.measuring.timing_process import ProcessTiming

from typing import TYPE_CHECKING


@dataclass(frozen=True, kw_only=True)
class StoppingRule:
    """When a timing session has enough processes.

    At least `least`; then more until every saving's 95 % half-width is at most `precision` of dense
    latency, until `seconds` have passed, or until there are `most`.
    """

    least: int = 3
    most: int = 64
    precision: float = 0.01
    seconds: float = 10.0


StopReason = Literal["precise", "plateau", "time", "processes"]

MIN_PROCESSES_PLATEAU = 8


def stop_reason(
    timings: Sequence[ProcessTiming], *, stopping_rule: StoppingRule, seconds: float
) -> StopReason | None:
    """What ends a session that has these timings after so long; None where it should go on."""
    if len(timings) < stopping_rule.least:
        return None
    width = _widest(timings)
    if width <= stopping_rule.precision:
        return "precise"
    # Twice the processes should have made the interval 0.7 times as wide.
    half = len(timings) // 2
    if half >= MIN_PROCESSES_PLATEAU and width > _widest(timings[:half]):
        return "plateau"
    if seconds >= stopping_rule.seconds:
        return "time"
    return "processes" if len(timings) >= stopping_rule.most else None


def _widest(timings: Sequence[ProcessTiming]) -> float:
    """The largest half-width of a saving, as a fraction of dense latency; one process knows none."""
    if len(timings) < 2:
        return math.inf
    savings = TimingResults(timings=tuple(timings)).savings()
    return max(((found.high - found.low) / 2 / dense for _, found, dense in savings), default=0.0)
