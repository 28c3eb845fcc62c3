"""Timing sessions on their devices, process after process until enough is known.

A session is timed again where it was disturbed, and split where a process died.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.engines.engine import Outcome
from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.stopping import stop_reason
from harness.measuring.timing_process import time_snapshots
from harness.measuring.timing_results import TimingResults, is_disturbed
from harness.storage.keys import stable_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.engines.engine import Engine
    from harness.engines.observer import Observer
    from harness.measuring.stopping import Convergence, StoppingRule, StopReason
    from harness.measuring.timing_results import ProcessTiming
    from harness.measuring.timing_session import TimingSession

Origin = TypeVar("Origin")


@dataclass(frozen=True, kw_only=True)
class TimingScheduler(Generic[Origin]):
    """Runs sessions on `engine`, one process after the other until `stopping_rule` says stop.

    `convergence` tells of a session's timings what `stop_reason` asks; None asks for its savings.
    What the processes take is added to `time_breakdown`.
    """

    engine: Engine
    stopping_rule: StoppingRule
    observer: Observer
    convergence: (
        Callable[[TimingSession[Origin], Sequence[ProcessTiming]], Convergence | None] | None
    ) = None
    time_breakdown: TimeBreakdown = field(default_factory=TimeBreakdown)

    def measure_all(
        self, sessions: Sequence[TimingSession[Origin]]
    ) -> Iterator[tuple[TimingSession[Origin], Outcome[TimingResults]]]:
        """The outcome of each session, as `measure` says; as many at once as there are devices for."""
        devices = self.engine.devices(session.slot for session in sessions)
        if devices == 1:
            for session in sessions:
                yield from self.measure(session)
            return
        beside = replace(self, time_breakdown=TimeBreakdown())
        pool = ThreadPoolExecutor(devices)
        try:
            ends = [
                pool.submit(lambda session: [*beside.measure(session)], session)
                for session in _round_robin(sessions)
            ]
            for end in as_completed(ends):
                yield from end.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self.time_breakdown.merge(beside.time_breakdown, workers=devices)

    def measure(
        self, session: TimingSession[Origin]
    ) -> Iterator[tuple[TimingSession[Origin], Outcome[TimingResults]]]:
        """The session's results, or why it came to no end; those of its split where a process died.

        A session whose hidden copy of dense stands out is repeated once, and is not steady where it
        does so again.
        """
        outcome = self._run_processes(session)
        if outcome.value is None:
            smaller = session.split()
            if len(smaller) == 1:
                yield session, outcome
                return
            for one in smaller:
                yield from self.measure(one)
            return
        if not outcome.value.steady:
            self.observer.note(f"{session.label}: a hidden copy of dense stands out; timed again")
            again = self._run_processes(session)
            outcome = outcome if again.value is None else again
        yield session, outcome

    def _run_processes(self, session: TimingSession[Origin]) -> Outcome[TimingResults]:
        """One process after the other until there are enough, or why one came to no end."""
        timings: list[ProcessTiming] = []
        convergence = self.convergence and partial(self.convergence, session)
        while True:
            outcome = self._time(session, number=len(timings) + 1)
            if outcome.value is None:
                return Outcome(failure=outcome.failure)
            timings.append(outcome.value)
            # Of the processes alone: others may have had the device between them.
            spent = sum(timing.seconds for timing in timings)
            stopped = stop_reason(
                timings, stopping_rule=self.stopping_rule, seconds=spent, convergence=convergence
            )
            if stopped is not None:
                self._report(session, timings, stopped, spent)
                steady = not is_disturbed(timings)
                return Outcome(
                    value=TimingResults(timings=tuple(timings), steady=steady, stopped=stopped)
                )

    def _report(
        self,
        session: TimingSession[Origin],
        timings: Sequence[ProcessTiming],
        stopped: StopReason,
        seconds: float,
    ) -> None:
        count = f"{len(timings)} process{'es' if len(timings) > 1 else ''}"
        self.observer.note(f"{session.label}: {count} in {seconds:.0f} s ({stopped})")
        if any(timing.load.busy for timing in timings):
            self.observer.note("other processes are busy on this machine: times are doubtful")

    def _time(self, session: TimingSession[Origin], *, number: int) -> Outcome[ProcessTiming]:
        """One more process of the session; no two of its processes have the same seed."""
        seed = stable_seed(session.job.seed, "process", number)
        label = f"{session.label}, process {number}"
        job = {label: replace(session.job, seed=seed)}
        with self.time_breakdown.counting("timing"):
            [(_, outcome)] = self.engine.run(
                time_snapshots, job, watching=self.observer.running, slots={label: session.slot}
            )
        return outcome


def _round_robin(sessions: Sequence[TimingSession[Origin]]) -> list[TimingSession[Origin]]:
    """The first session of each backend, then the second ones: no device waits for another's."""
    counts: Counter[str] = Counter()
    numbered = []
    for session in sessions:
        numbered.append((counts[session.slot.kind], session))
        counts[session.slot.kind] += 1
    return [session for _, session in sorted(numbered, key=lambda pair: pair[0])]
