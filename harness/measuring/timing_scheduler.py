"""Timing sessions: processes until enough is known; repeated or taken apart where need be."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.timing_process import time_snapshots
from harness.measuring.timing_results import TimingResults, is_disturbed
from harness.storage.keys import stable_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.engines.engine import Engine
    from harness.engines.observer import Observer
    from harness.machine.device import DeviceSlot
    from harness.measuring.stopping import StopReason
    from harness.measuring.timing_process import ProcessTiming, TimingJob


class TimedTogether(Protocol):
    """Snapshots that take turns; `exclusive` takes them apart where they bring a process to no end."""

    @property
    def label(self) -> str:
        """What a person is shown."""

    @property
    def job(self) -> TimingJob:
        """What one process does."""

    @property
    def slot(self) -> DeviceSlot:
        """Where, alone."""

    def exclusive(self) -> Sequence[Self]:
        """The least parts of it."""


Together = TypeVar("Together", bound=TimedTogether)


class StopCheck(Protocol):
    """Decides when there are processes enough."""

    def __call__(self, timings: Sequence[ProcessTiming], *, seconds: float) -> StopReason | None:
        """What ends a session that has these timings after so long; None where it goes on."""


class TimingScheduler:
    """Runs sessions on `engine`, in one process after the other until `stop_check` says why it ends.

    What its processes take is added to `time_breakdown` where there is one.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        stop_check: StopCheck,
        observer: Observer,
        time_breakdown: TimeBreakdown | None = None,
    ) -> None:
        self._time_breakdown = time_breakdown or TimeBreakdown()
        self._engine = engine
        self._stop_check = stop_check
        self._observer = observer

    def measure_all(
        self, sessions: Sequence[Together]
    ) -> Iterator[tuple[Together, TimingResults | str]]:
        """What each session found, as `measure` says; as many at once as there are devices for."""
        devices = self._engine.devices(session.slot for session in sessions)
        if devices == 1:
            for session in sessions:
                yield from self.measure(session)
            return
        beside = TimingScheduler(self._engine, stop_check=self._stop_check, observer=self._observer)
        pool = ThreadPoolExecutor(devices)
        try:
            ends = [pool.submit(beside.parts, session) for session in _round_robin(sessions)]
            for end in as_completed(ends):
                yield from end.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self._time_breakdown.merge(beside._time_breakdown, workers=devices)

    def parts(self, session: Together) -> list[tuple[Together, TimingResults | str]]:
        """All that `measure` finds."""
        return list(self.measure(session))

    def measure(self, session: Together) -> Iterator[tuple[Together, TimingResults | str]]:
        """What the session found, or why it came to no end; in parts where a process died.

        A session whose hidden copy of dense stands out is repeated once, and is not steady where it
        does so again.
        """
        found = self._run_processes(session)
        if isinstance(found, str):
            parts = session.exclusive()
            if len(parts) == 1:
                yield session, found
            for part in parts if len(parts) > 1 else ():
                yield from self.measure(part)
            return
        if not found.steady:
            self._observer.note(f"{session.label}: a hidden copy of dense stands out; timed again")
            again = self._run_processes(session)
            found = found if isinstance(again, str) else again
        yield session, found

    def _run_processes(self, session: TimedTogether) -> TimingResults | str:
        """One process after the other until there are enough, or why one came to no end."""
        timings: list[ProcessTiming] = []
        while True:
            timing = self._timing(session, number=len(timings) + 1)
            if isinstance(timing, str):
                return timing
            timings.append(timing)
            # Of the processes alone: others may have had the device between them.
            spent = sum(timing.seconds for timing in timings)
            stopped = self._stop_check(timings, seconds=spent)
            if stopped is not None:
                self._report(session, timings, stopped, spent)
                steady = not is_disturbed(timings)
                return TimingResults(timings=tuple(timings), steady=steady, stopped=stopped)

    def _report(
        self,
        session: TimedTogether,
        timings: Sequence[ProcessTiming],
        stopped: StopReason,
        seconds: float,
    ) -> None:
        count = f"{len(timings)} process{'es' if len(timings) > 1 else ''}"
        self._observer.note(f"{session.label}: {count} in {seconds:.0f} s ({stopped})")
        if any(timing.conditions.busy for timing in timings):
            self._observer.note("other processes are busy on this machine: times are doubtful")

    def _timing(self, session: TimedTogether, *, number: int) -> ProcessTiming | str:
        seed = stable_seed(session.job.seed, "process", number)
        label = f"{session.label}, process {number}"
        job = {label: replace(session.job, seed=seed)}
        with self._time_breakdown.counting("timing"):
            [(_, outcome)] = self._engine.run(
                time_snapshots, job, watching=self._observer.running, slots={label: session.slot}
            )
        return outcome.failure if outcome.value is None else outcome.value


def _round_robin(sessions: Sequence[Together]) -> list[Together]:
    """The first session of each backend, then the second ones: no device waits for another's."""
    seen: Counter[str] = Counter()
    numbered = []
    for session in sessions:
        numbered.append((seen[session.slot.kind], session))
        seen[session.slot.kind] += 1
    return [session for _, session in sorted(numbered, key=lambda pair: pair[0])]
