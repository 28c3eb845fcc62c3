"""Worker processes of a phase, with a book of where their time went."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.environment import cpu_name
from harness.lane import exclusive, shared
from harness.timesheet import Worked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.engines.local import LocalEngine, Outcome
    from harness.progress import Observer
    from harness.timesheet import Timesheet, Work

Job = TypeVar("Job")
Result = TypeVar("Result", bound=Worked)


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Runs jobs on the engine's processes; what they and idle processes spend goes to `timesheet`.

    A second counts as the share of the phase that it is: half of one where two processes work. What a
    job that came to no end had spent is not known. With `whole`, all of it counts as that, the starting
    of processes too. Where `device` is not empty, jobs time on it themselves.
    """

    engine: LocalEngine
    observer: Observer
    timesheet: Timesheet
    whole: Work | None = None
    device: str = ""

    def alone(self, device: str) -> Workers:
        """One process at a time, which has the device for itself."""
        return replace(self, engine=replace(self.engine, workers=1), device=device)

    def run(
        self, function: Callable[[Job], Result], jobs: Mapping[str, Job]
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Label and outcome of each job as it ends; none runs while a harness times here."""
        work = partial(_alone, function, self.device) if self.device else partial(_aside, function)
        if self.whole is not None:
            with self.timesheet.counting(self.whole):
                yield from self.engine.run(work, jobs, watching=self.observer.running)
            return
        left, size = len(jobs), min(self.engine.workers, len(jobs))
        since = time.perf_counter()
        for label, outcome in self.engine.run(work, jobs, watching=self.observer.running):
            now = time.perf_counter()
            if left < size:
                self.timesheet.add("waiting", (now - since) * (size - left) / size)
            since, left = now, left - 1
            if outcome.value is not None:
                self.timesheet.book(outcome.value.timesheet, workers=size)
            yield label, outcome


def _aside(function: Callable[[Job], Result], job: Job) -> Result:
    with shared(cpu_name()):
        return function(job)


def _alone(function: Callable[[Job], Result], device: str, job: Job) -> Result:
    # Always in this order, so that no two wait for each other.
    others = shared(cpu_name()) if device != cpu_name() else nullcontext()
    with others, exclusive(device, waiting=print):
        return function(job)
