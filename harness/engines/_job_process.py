"""Process of one job, as its driver sees it: begun, watched, and gone with all that it started."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from harness.engines._worker_process import run_worker
from harness.engines.engine import Outcome
from harness.errors import failure_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.process import BaseProcess

    from harness.engines.job_limits import JobLimits

SERVER_GONE = 255
"""Exit code that multiprocessing gives to a worker whose fork server has gone, and it with that."""
ENDING_SECONDS = 5.0
"""That a process may take to end, once it has told its outcome or was asked to."""


@dataclass(kw_only=True)
class JobProcess:
    """A job in a process of its own, which has until `deadline` (of the monotonic clock) to be done.

    Its outcome counts when the process is gone: what it left running would disturb whoever comes next.
    """

    process: BaseProcess
    results: connection.Connection
    time_limit: float
    deadline: float
    outcome: Outcome[Any] | None = field(default=None, init=False)

    @classmethod
    def begin(
        cls,
        context: multiprocessing.context.BaseContext,
        function: Callable[[Any], Any],
        job: object,
        *,
        log: str,
        time_limit: float,
        limits: JobLimits,
    ) -> JobProcess:
        """Start it. Raises what pickle raises on a job that cannot travel, and OSError or EOFError."""
        results, writer = context.Pipe(duplex=False)
        process = context.Process(target=run_worker, args=(writer, log, limits, function, job))  # type: ignore[attr-defined]  # a context makes processes
        process.start()
        writer.close()
        deadline = time.monotonic() + time_limit
        return cls(process=process, results=results, time_limit=time_limit, deadline=deadline)

    def ended(self) -> bool:
        """Whether it is gone, after a look at what it told; past its time it is made to be."""
        if self.outcome is None and self.results.poll():
            self._receive()
        if not self.process.is_alive():
            self.kill()
            if self.outcome is None:
                self._receive()
        elif time.monotonic() > self.deadline:
            if self.outcome is None:
                self.outcome = Outcome(failure=f"ran past the time limit of {self.time_limit:g} s")
            self.kill()
        else:
            return False
        self.results.close()
        return True

    def _receive(self) -> None:
        """Take what it told, or why it told nothing."""
        try:
            self.outcome = self.results.recv() if self.results.poll() else None
        except (EOFError, OSError):
            self.outcome = None
        except Exception as error:
            self.outcome = Outcome(failure=failure_reason(error))
        if self.outcome is None:
            self.process.join(ENDING_SECONDS)
            failure = f"its process ended with exit code {self.process.exitcode}"
            self.outcome = Outcome(failure=failure)
        self.deadline = time.monotonic() + ENDING_SECONDS

    def lost_its_server(self) -> bool:
        """Whether it ended through no deed of its own, so that it can be begun again."""
        return self.process.exitcode == SERVER_GONE

    def kill(self) -> None:
        """End it, and whatever it started that is still there."""
        if self.process.is_alive():
            # Files that it would remove at its end are removed.
            self.process.terminate()
            self.process.join(ENDING_SECONDS)
        if sys.platform != "win32" and self.process.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                if self.lost_its_server():
                    _wait_for_group(self.process.pid)
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()


def _wait_for_group(leader: int) -> None:
    """Wait for a group of processes that end by themselves, as their supervisor has them.

    Raises ProcessLookupError where none is left.
    """
    until = time.monotonic() + ENDING_SECONDS
    while time.monotonic() < until:
        os.killpg(leader, 0)
        time.sleep(0.02)


def end_all(processes: Iterable[JobProcess]) -> None:
    """End them, and wait for all at once."""
    processes = [*processes]
    for process in processes:
        process.process.terminate()
    for process in processes:
        process.kill()


def wait_for_any(processes: Iterable[JobProcess], seconds: float) -> None:
    """Wait until one has told something or has gone, for at most so long."""
    connection.wait([source for p in processes for source in _sources(p)], seconds)


def _sources(process: JobProcess) -> list[connection.Connection | int]:
    told = [] if process.outcome else [process.results]
    return [*told, process.process.sentinel]
