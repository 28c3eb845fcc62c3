"""Sessions of copies of one model, timed as any other session: what the check of the clock needs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engines.local import LocalEngine
from harness.errors import HarnessError
from harness.measuring.clock_check import STOPPING_RULE, copy_session
from harness.measuring.timing_scheduler import TimingScheduler
from harness.runs.preloads import preloads_of
from harness.storage.artifacts import ARTIFACTS, ArtifactStore

if TYPE_CHECKING:
    from harness.contracts.backends import Backend
    from harness.contracts.data import Model
    from harness.engines.observer import Observer, ObserverFactory
    from harness.measuring.clock_check import SlowedCopies
    from harness.measuring.timing_results import TimingResults
    from harness.measuring.timing_session import TimingSession

TIME_LIMIT = 600


@dataclass(frozen=True, kw_only=True)
class CopyTiming:
    """What a session of copies measured, and the milliseconds that its slowed ones spend more."""

    results: TimingResults
    extra_ms: float


def time_copies(
    backend: Backend, model: Model, *, count: int, injected: float, progress: ObserverFactory
) -> list[CopyTiming]:
    """Time `count` sessions of copies, some of them slowed by the fraction `injected`.

    Raises HarnessError where one of them comes to no end.
    """
    timings = []
    with tempfile.TemporaryDirectory() as folder, progress(0) as observer:
        scheduler = _scheduler(Path(folder), observer)
        store = ArtifactStore(Path(folder) / ARTIFACTS)
        observer.phase("timing copies", count)
        for number in range(count):
            session = copy_session(backend, model, store, injected=injected, seed=number)
            timings.append(_time(session, scheduler))
            observer.done(f"session {number + 1} of {count}", 1)
    return timings


def _scheduler(folder: Path, observer: Observer) -> TimingScheduler[SlowedCopies]:
    engine = LocalEngine(
        workers=1,
        time_limit=TIME_LIMIT,
        log=folder / "log.txt",
        preloads=preloads_of(),
        note=observer.note,
    )
    return TimingScheduler(engine=engine, stopping_rule=STOPPING_RULE, observer=observer)


def _time(session: TimingSession[SlowedCopies], scheduler: TimingScheduler[SlowedCopies]) -> CopyTiming:
    [(_, outcome)] = scheduler.measure(session)
    if outcome.value is None:
        raise HarnessError(f"{session.label}: {outcome.failure}")
    [slowed] = session.origins
    return CopyTiming(results=outcome.value, extra_ms=slowed.nanoseconds / 1e6)
