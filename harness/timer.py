"""Timing sessions: several processes each, repeated where disturbed, taken apart where one dies."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.keys import stable_seed
from harness.measurement import time_snapshots
from harness.sessions import Measured, disturbed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engines.local import LocalEngine
    from harness.measurement import Timing
    from harness.progress import Observer
    from harness.sessions import Session


class Timer:
    """Runs sessions on `engine`, `processes` times each; `engine` has one worker."""

    def __init__(self, engine: LocalEngine, *, processes: int, observer: Observer) -> None:
        self._engine = engine
        self._processes = processes
        self._observer = observer

    def measure(self, session: Session) -> Iterator[tuple[Session, Measured | str]]:
        """What the session found, or why it came to no end; in parts where a process died.

        A session whose hidden copy of dense stands out is repeated once, and is not steady where it
        does so again.
        """
        timings = self._times(session)
        if isinstance(timings, str):
            parts = session.alone()
            if len(parts) == 1:
                yield session, timings
            for part in parts if len(parts) > 1 else ():
                yield from self.measure(part)
            return
        if disturbed(timings):
            self._observer.note(f"{session.label}: a hidden copy of dense stands out; timed again")
            again = self._times(session)
            timings = timings if isinstance(again, str) else again
        yield session, Measured(timings=tuple(timings), steady=not disturbed(timings))

    def _times(self, session: Session) -> list[Timing] | str:
        jobs = {
            f"{session.label}, process {n + 1} of {self._processes}": replace(
                session.job, seed=stable_seed(session.job.seed, "process", n)
            )
            for n in range(self._processes)
        }
        found: list[Timing] = []
        for label, outcome in self._engine.run(time_snapshots, jobs, watching=self._observer.running):
            if outcome.value is None:
                return outcome.failure
            found.append(outcome.value)
            self._observer.note(f"{label}: timed in {outcome.value.seconds:.1f} s")
            if outcome.value.conditions.busy:
                self._observer.note("other processes are busy on this machine: times are doubtful")
        return found


def raw_samples(measured: Measured) -> bytes:
    """All samples as a compressed NumPy archive: `batch/label/process` to milliseconds by round."""
    arrays = {
        f"{batch}/{label}/{process}": np.asarray(times)
        for process, timing in enumerate(measured.timings)
        for batch, by_label in timing.samples.items()
        for label, times in by_label.items()
    }
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
    return content.getvalue()
