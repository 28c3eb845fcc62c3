"""Where the time of a run goes: seconds of each kind of work, summed over worker processes."""

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
OWN_SHARE = "the harness itself"


@dataclass
class TimeBreakdown:
    """Seconds by kind of work; whoever works is given one and writes into it."""

    seconds: dict[Activity, float] = field(default_factory=dict)

    def add(self, work: Activity, seconds: float) -> None:
        """So much more of that work was done."""
        self.seconds[work] = self.seconds.get(work, 0.0) + seconds

    @contextmanager
    def counting(self, work: Activity) -> Iterator[None]:
        """Add what the block takes, also where it raises."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(work, time.perf_counter() - began)

    def since_known(self, seconds: float) -> TimeBreakdown:
        """Of a job that was known so long: before that, its process stood idle."""
        others = sum(spent for work, spent in self.seconds.items() if work != "starting")
        started = min(self.seconds.get("starting", 0.0), max(0.0, seconds - others))
        return TimeBreakdown({**self.seconds, "starting": started})

    def merge(self, other: TimeBreakdown, *, workers: int) -> None:
        """Add another's seconds, each counting as the share of a second that one of `workers` is."""
        for work, seconds in other.seconds.items():
            self.add(work, seconds / workers)


def process_age() -> float:
    """Seconds since this process was started."""
    started = psutil.Process().create_time()
    if not psutil.LINUX:
        return max(0.0, time.time() - started)
    # Linux tells its own start in whole seconds, and a process's from there.
    return time.clock_gettime(time.CLOCK_BOOTTIME) - (started - psutil.boot_time())


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What a job hands back from its process; what else it made is on disk."""

    time_breakdown: TimeBreakdown


def time_sentence(time_breakdown: TimeBreakdown, *, seconds: float, workers: int) -> str:
    """Shares of a run of so many seconds; what no work accounts for is the harness's own."""
    shares = {
        word: time_breakdown.seconds[work]
        for work, word in ACTIVITY_NAMES
        if work in time_breakdown.seconds
    }
    shares[OWN_SHARE] = max(0.0, seconds - sum(shares.values()))
    said = ", ".join(f"{word} {_percent(spent, seconds)} %" for word, spent in shares.items())
    crew = "1 worker" if workers == 1 else f"{workers} workers"
    return f"Time: {_duration(seconds)} of {crew}. {said[0].upper()}{said[1:]}."


def _percent(spent: float, seconds: float) -> str:
    share = 100.0 * spent / max(seconds, 1e-9)
    return f"{share:.1f}" if share < 9.95 else f"{share:.0f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
