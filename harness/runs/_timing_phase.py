"""The timing phase of a run: all sessions, each process alone on its device among all harnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.measuring.session_plan import plan_sessions
from harness.measuring.timing_scheduler import TimingScheduler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.engines.engine import Outcome
    from harness.engines.pool import WorkerPool
    from harness.measuring.timing_results import TimingResults
    from harness.measuring.timing_session import ReadyCell, TimingSession
    from harness.runs.execution import Execution
    from harness.storage.artifacts import ArtifactStore


def time_cells(
    ready: Sequence[ReadyCell],
    shared: Sequence[ReadyCell] = (),
    *,
    pool: WorkerPool,
    store: ArtifactStore,
    execution: Execution,
) -> Iterator[tuple[TimingSession[ReadyCell], Outcome[TimingResults]]]:
    """The sessions of all cells as they end, with their results or why they came to no end.

    `shared` cells have a time already, and may be timed as a check.
    """
    sessions = plan_sessions(
        ready,
        store=store,
        limits=execution.stopping_rule.limits,
        cores=execution.cores,
        meter=execution.meter,
        shared=shared,
    )
    pool.observer.phase("timing", len(ready))
    scheduler = TimingScheduler["ReadyCell"](
        engine=pool.engine,
        stopping_rule=execution.stopping_rule,
        observer=pool.observer,
        time_breakdown=pool.time_breakdown,
    )
    yield from scheduler.measure_all(sessions)
