"""Worker processes of a phase, with a book of where their time went."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.machine.device_lock import shared
from harness.machine.environment import cpu_name
from harness.machine.time_breakdown import Worked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.engines.engine import Engine, Outcome, Place
    from harness.engines.observer import Observer
    from harness.machine.time_breakdown import Timesheet, Work

Job = TypeVar("Job")
Result = TypeVar("Result", bound=Worked)


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Runs jobs on the engine's processes; what they and idle processes spend goes to `timesheet`.

    A second counts as the share of the phase that it is: half of one where two processes work. What a
    job that came to no end had spent is not known. With `whole`, all of it counts as that, the starting
    of processes too.
    """

    engine: Engine
    observer: Observer
    timesheet: Timesheet
    whole: Work | None = None

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        *,
        places: Mapping[str, Place] | None = None,
        expected: int = 0,
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Label and outcome of each job as it ends; none runs while a harness times beside it.

        `jobs` may grow meanwhile, as an engine says.
        """
        alone = any(place.alone for place in (places or {}).values())
        work = function if alone else partial(_aside, function)
        watching, expected = self.observer.running, max(len(jobs), expected)
        found = self.engine.run(work, jobs, watching=watching, places=places, expected=expected)
        if self.whole is not None:
            with self.timesheet.counting(self.whole):
                yield from found
            return
        size = 1 if alone else min(self.engine.workers, expected)
        ended, since = 0, time.perf_counter()
        known = dict.fromkeys(jobs, since)
        for label, outcome in found:
            now = time.perf_counter()
            idle = max(0, size - (len(known) - ended))
            if idle:
                self.timesheet.add("waiting", (now - since) * idle / size)
            if outcome.value is not None:
                spent = outcome.value.timesheet.since_known(now - known[label])
                self.timesheet.book(spent, workers=size)
            ended, since = ended + 1, now
            yield label, outcome
            known |= {label: time.perf_counter() for label in jobs if label not in known}


def _aside(function: Callable[[Job], Result], job: Job) -> Result:
    with shared(cpu_name()):
        return function(job)
