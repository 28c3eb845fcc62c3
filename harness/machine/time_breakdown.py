"""Time breakdown: seconds of a run by activity, summed over worker processes."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

Activity = Literal[
    "starting", "training", "evaluating", "pruning", "exporting", "inspecting", "memory", "timing",
    "waiting",
]  # fmt: skip

ACTIVITY_NAMES: tuple[tuple[Activity, str], ...] = (
    ("starting", "starting PyTorch"),
    ("training", "training"),
    ("evaluating", "evaluating"),
    ("pruning", "pruning"),
    ("exporting", "exporting"),
    ("inspecting", "inspecting"),
    ("memory", "memory"),
    ("timing", "timing"),
    ("waiting", "waiting for work"),
)
UNATTRIBUTED = "the harness itself"


@dataclass
class TimeBreakdown:
    """Seconds by activity; whoever computes gets one and writes into it."""

    seconds: dict[Activity, float] = field(default_factory=dict)

    def add(self, activity: Activity, seconds: float) -> None:
        """Add seconds to an activity."""
        self.seconds[activity] = self.seconds.get(activity, 0.0) + seconds

    @contextmanager
    def counting(self, activity: Activity) -> Iterator[None]:
        """Add the seconds that the block takes to an activity, also where it raises."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(activity, time.perf_counter() - began)

    def since_submission(self, seconds: float) -> TimeBreakdown:
        """Breakdown of a job submitted `seconds` ago: before that, its process stood idle."""
        others = sum(spent for activity, spent in self.seconds.items() if activity != "starting")
        started = min(self.seconds.get("starting", 0.0), max(0.0, seconds - others))
        return TimeBreakdown({**self.seconds, "starting": started})

    def merge(self, other: TimeBreakdown, *, workers: int) -> None:
        """Add another breakdown, each second divided by the number of `workers`."""
        for activity, seconds in other.seconds.items():
            self.add(activity, seconds / workers)


def process_age() -> float:
    """Seconds since this process was started."""
    started = psutil.Process().create_time()
    if not psutil.LINUX:
        return max(0.0, time.time() - started)
    # Linux tells its own start in whole seconds, and a process's from there.
    return time.clock_gettime(time.CLOCK_BOOTTIME) - (started - psutil.boot_time())


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """Job result: what comes back from a worker process; all else is on disk."""

    time_breakdown: TimeBreakdown


def time_sentence(time_breakdown: TimeBreakdown, *, seconds: float, workers: int) -> str:
    """Sentence of the shares of a run of so many seconds; what no activity has is the harness's."""
    shares = {
        word: time_breakdown.seconds[activity]
        for activity, word in ACTIVITY_NAMES
        if activity in time_breakdown.seconds
    }
    shares[UNATTRIBUTED] = max(0.0, seconds - sum(shares.values()))
    listed = ", ".join(f"{word} {_percent(spent, seconds)} %" for word, spent in shares.items())
    workers_text = "1 worker" if workers == 1 else f"{workers} workers"
    return f"Time: {_duration(seconds)} of {workers_text}. {listed[0].upper()}{listed[1:]}."


def _percent(spent: float, seconds: float) -> str:
    share = 100.0 * spent / max(seconds, 1e-9)
    return f"{share:.1f}" if share < 9.95 else f"{share:.0f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
