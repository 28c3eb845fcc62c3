"""Timing sessions: processes until enough is known; repeated or taken apart where need be."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.keys import stable_seed
from harness.measurement import time_snapshots
from harness.sessions import Measured, disturbed, why_enough

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engines.local import LocalEngine
    from harness.execution import Patience
    from harness.measurement import Timing
    from harness.progress import Observer
    from harness.sessions import Session


class Timer:
    """Runs sessions on `engine`, which has one worker, in as many processes as `patience` asks for."""

    def __init__(self, engine: LocalEngine, *, patience: Patience, observer: Observer) -> None:
        self._engine = engine
        self._patience = patience
        self._observer = observer

    def measure(self, session: Session) -> Iterator[tuple[Session, Measured | str]]:
        """What the session found, or why it came to no end; in parts where a process died.

        A session whose hidden copy of dense stands out is repeated once, and is not steady where it
        does so again.
        """
        found = self._measured(session)
        if isinstance(found, str):
            parts = session.alone()
            if len(parts) == 1:
                yield session, found
            for part in parts if len(parts) > 1 else ():
                yield from self.measure(part)
            return
        if not found.steady:
            self._observer.note(f"{session.label}: a hidden copy of dense stands out; timed again")
            again = self._measured(session)
            found = found if isinstance(again, str) else again
        yield session, found

    def _measured(self, session: Session) -> Measured | str:
        """One process after the other until there are enough, or why one came to no end."""
        timings: list[Timing] = []
        began = time.monotonic()
        while True:
            timing = self._timing(session, number=len(timings) + 1)
            if isinstance(timing, str):
                return timing
            timings.append(timing)
            spent = time.monotonic() - began
            stopped = why_enough(timings, self._patience, seconds=spent)
            if stopped is not None:
                steady = not disturbed(timings)
                return Measured(timings=tuple(timings), steady=steady, stopped=stopped)

    def _timing(self, session: Session, *, number: int) -> Timing | str:
        seed = stable_seed(session.job.seed, "process", number)
        label = f"{session.label}, process {number}"
        job = {label: replace(session.job, seed=seed)}
        [(_, outcome)] = self._engine.run(time_snapshots, job, watching=self._observer.running)
        if outcome.value is None:
            return outcome.failure
        self._observer.note(f"{label}: timed in {outcome.value.seconds:.1f} s")
        if outcome.value.conditions.busy:
            self._observer.note("other processes are busy on this machine: times are doubtful")
        return outcome.value


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
