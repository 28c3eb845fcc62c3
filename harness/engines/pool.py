"""Worker pool of a phase, with a breakdown of its time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.machine.device_lock import read_lock, waited_for
from harness.machine.environment import cpu_name
from harness.machine.time_breakdown import JobResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.engines.engine import Engine, Outcome
    from harness.engines.observer import Observer
    from harness.machine.device import DeviceSlot
    from harness.machine.time_breakdown import Activity, TimeBreakdown

WATCH_SECONDS = 1.0
"""Between two looks at who else uses the processor."""
Job = TypeVar("Job")
Result = TypeVar("Result", bound=JobResult)


@dataclass(frozen=True, kw_only=True)
class WorkerPool:
    """Worker pool on the engine's processes; what these spend, idle or not, goes to `time_breakdown`.

    A second counts as the share of the phase that it is: half of one where two processes run. What a
    job that did not end had spent is unknown. With `whole`, all of it counts as that, the starting
    of processes too.
    """

    engine: Engine
    observer: Observer
    time_breakdown: TimeBreakdown
    whole: Activity | None = None

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        *,
        slots: Mapping[str, DeviceSlot] | None = None,
        expected: int = 0,
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Run jobs: label and outcome of each as it ends; none runs while a harness times beside it.

        `jobs` may grow meanwhile, as an engine says.
        """
        exclusive = any(slot.exclusive for slot in (slots or {}).values())
        job = function if exclusive else partial(_run_under_read_lock, function)
        watching = self.observer.running if exclusive else _Watch(self.observer)
        expected = max(len(jobs), expected)
        outcomes = self.engine.run(job, jobs, watching=watching, slots=slots)
        if self.whole is not None:
            with self.time_breakdown.counting(self.whole):
                yield from outcomes
            return
        size = 1 if exclusive else min(self.engine.workers, expected)
        ended, last_end = 0, time.perf_counter()
        submitted_at = dict.fromkeys(jobs, last_end)
        for label, outcome in outcomes:
            now = time.perf_counter()
            idle = max(0, size - (len(submitted_at) - ended))
            if idle:
                self.time_breakdown.add("waiting", (now - last_end) * idle / size)
            if outcome.value is not None:
                spent = outcome.value.time_breakdown.since_submission(now - submitted_at[label])
                self.time_breakdown.merge(spent, workers=size)
            ended, last_end = ended + 1, now
            yield label, outcome
            submitted_at |= {label: time.perf_counter() for label in jobs if label not in submitted_at}


class _Watch:
    """Shows what runs, or who is waited for where another harness times on this processor."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._asked_at = -WATCH_SECONDS
        self._other: str | None = None

    def __call__(self, labels: list[str]) -> None:
        now = time.perf_counter()
        if now - self._asked_at > WATCH_SECONDS:
            self._asked_at, self._other = now, waited_for(cpu_name())
        self._observer.running([f"waiting for {self._other}"] if self._other else labels)


def _run_under_read_lock(function: Callable[[Job], Result], job: Job) -> Result:
    with read_lock(cpu_name()):
        return function(job)
