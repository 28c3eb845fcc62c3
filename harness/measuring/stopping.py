"""The stopping rule of timing: when a process has rounds enough, and a session processes enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from harness.machine.clock import Limits
from harness.measuring.timing_results import TimingResults

if TYPE_CHECKING:
    from harness.measuring.timing_results import ProcessTiming

PROCESS_SECONDS = 1.0
"""Of sampling a batch size in one process: more processes tell more than more rounds."""
MIN_PROCESSES_PLATEAU = 8

Convergence = Literal["precise", "plateau"]
StopReason = Literal["precise", "plateau", "time", "processes"]
ConvergenceTest = Callable[[Sequence["ProcessTiming"]], Convergence | None]
"""Whether timings say what they are to say, or would say no more if there were more of them."""


@dataclass(frozen=True, kw_only=True)
class StoppingRule:
    """When a timing session has enough processes, and each of these enough rounds.

    At least `least` processes; then more until every saving's 95 % half-width between processes is at
    most `precision_between` of dense latency, until `seconds` have passed, or until there are `most`.
    Within a process, rounds until the half-width over them is at most `precision_within`, or until
    `process_seconds` have passed at a batch size.
    """

    least: int = 4
    most: int = 64
    precision_within: float = 0.01
    precision_between: float = 0.01
    process_seconds: float = PROCESS_SECONDS
    seconds: float = 12.0

    @classmethod
    def to_precision(cls, precision: float, *, seconds: float) -> Self:
        """The rule that asks for the same precision within a process and between processes."""
        return cls(precision_within=precision, precision_between=precision, seconds=seconds)

    @property
    def limits(self) -> Limits:
        """When one process has rounds enough."""
        seconds = min(self.process_seconds, self.seconds)
        return Limits(precision=self.precision_within, seconds=seconds)


def stop_reason(
    timings: Sequence[ProcessTiming],
    *,
    stopping_rule: StoppingRule,
    seconds: float,
    convergence: ConvergenceTest | None = None,
) -> StopReason | None:
    """What ends a session that has these timings after so long; None where it should go on.

    Unless there is another test of `convergence`, it is that of the savings to the rule's precision.
    """
    if len(timings) < stopping_rule.least:
        return None
    if convergence is None:
        reached = saving_convergence(timings, precision=stopping_rule.precision_between)
    else:
        reached = convergence(timings)
    if reached is not None:
        return reached
    if seconds >= stopping_rule.seconds:
        return "time"
    return "processes" if len(timings) >= stopping_rule.most else None


def saving_convergence(timings: Sequence[ProcessTiming], *, precision: float) -> Convergence | None:
    """Whether every half-width of a saving between processes is small enough, or no longer falls."""
    width = _widest(timings)
    if width <= precision:
        return "precise"
    # Twice the processes should have made the interval 0.7 times as wide.
    half = len(timings) // 2
    if half >= MIN_PROCESSES_PLATEAU and width > _widest(timings[:half]):
        return "plateau"
    return None


def _widest(timings: Sequence[ProcessTiming]) -> float:
    """The largest half-width of a saving, as a fraction of dense latency; one process knows none."""
    if len(timings) < 2:
        return math.inf
    savings = TimingResults(timings=tuple(timings)).savings()
    return max(((saved.high - saved.low) / 2 / dense for _, saved, dense in savings), default=0.0)
