"""Worker processes of a phase, with a book of where their time went."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.machine.device_lock import read_lock
from harness.machine.environment import cpu_name
from harness.machine.time_breakdown import JobResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.engines.engine import DeviceSlot, Engine, Outcome
    from harness.engines.observer import Observer
    from harness.machine.time_breakdown import Activity, TimeBreakdown

Job = TypeVar("Job")
Result = TypeVar("Result", bound=JobResult)


@dataclass(frozen=True, kw_only=True)
class WorkerPool:
    """Runs jobs on the engine's processes; what they and idle processes spend goes to `time_breakdown`.

    A second counts as the share of the phase that it is: half of one where two processes work. What a
    job that came to no end had spent is not known. With `whole`, all of it counts as that, the starting
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
        """Label and outcome of each job as it ends; none runs while a harness times beside it.

        `jobs` may grow meanwhile, as an engine says.
        """
        exclusive = any(slot.exclusive for slot in (slots or {}).values())
        job = function if exclusive else partial(_aside, function)
        watching, expected = self.observer.running, max(len(jobs), expected)
        found = self.engine.run(job, jobs, watching=watching, slots=slots, expected=expected)
        if self.whole is not None:
            with self.time_breakdown.counting(self.whole):
                yield from found
            return
        size = 1 if exclusive else min(self.engine.workers, expected)
        ended, since = 0, time.perf_counter()
        known = dict.fromkeys(jobs, since)
        for label, outcome in found:
            now = time.perf_counter()
            idle = max(0, size - (len(known) - ended))
            if idle:
                self.time_breakdown.add("waiting", (now - since) * idle / size)
            if outcome.value is not None:
                spent = outcome.value.time_breakdown.since_submission(now - known[label])
                self.time_breakdown.merge(spent, workers=size)
            ended, since = ended + 1, now
            yield label, outcome
            known |= {label: time.perf_counter() for label in jobs if label not in known}


def _aside(function: Callable[[Job], Result], job: Job) -> Result:
    with read_lock(cpu_name()):
        return function(job)
