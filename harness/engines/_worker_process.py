"""Worker process: quiet, of one job, and gone when its run is."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from harness.engines.engine import Outcome
from harness.errors import failure_reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from harness.engines.job_limits import JobLimits

Job = TypeVar("Job")
Result = TypeVar("Result")

SAFE_PATH = "PYTHONSAFEPATH"
SET_HERE = "by harness"
"""Its value where the fork server alone is meant, and no program that a plugin starts."""


class _Ended(BaseException):
    """SIGTERM: whoever started this process wants it to end."""


def run_worker(
    results: Connection, log: str, limits: JobLimits, function: Callable[[Job], Result], job: Job
) -> None:
    """Run a job as a worker process, and send its outcome."""
    become_worker(log, limits, tell_excess=lambda excess: _send(results, Outcome(failure=excess)))
    try:
        _send(results, run_job(function, job))
    except _Ended:
        sys.exit(1)


def _send(results: Connection, outcome: Outcome[Any]) -> None:
    try:
        results.send(outcome)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        traceback.print_exc()
        results.send(Outcome(failure=failure_reason(error)))


def run_job(function: Callable[[Job], Result], job: Job) -> Outcome[Result]:
    """Run a job and catch what it raises, in its own process, where the traceback is known."""
    try:
        return Outcome(value=function(job))
    except _Ended:
        raise
    except BaseException as error:
        # What means to end a process is no more than this job's end.
        traceback.print_exc()
        return Outcome(failure=failure_reason(error))
    finally:
        # Whoever has the outcome may end this process, with what it printed and did not write yet.
        sys.stdout.flush()
        sys.stderr.flush()


def become_worker(log: str, limits: JobLimits, *, tell_excess: Callable[[str], None]) -> None:
    """Become a worker: print to the log, leave Ctrl-C to the run, and end when that does.

    In a session of its own, so that whatever it starts can be ended with it.
    """
    if os.environ.get(SAFE_PATH) == SET_HERE:
        del os.environ[SAFE_PATH]
    if sys.platform == "linux":
        from harness.engines._supervisor import fork_supervised

        fork_supervised(log, limits, tell_excess=tell_excess)
    else:
        _become_unsupervised(log)
    signal.signal(signal.SIGTERM, _end)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)


def _become_unsupervised(log: str) -> None:
    """Become a worker where no supervisor can be: nothing limits what it takes."""
    if sys.platform != "win32":
        os.setsid()
    Thread(target=_end_with_driver, daemon=True).start()
    # Ctrl-C is the parent's to handle; what libraries and plugins print belongs in the log.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _end(*_: object) -> None:
    """End as a process does that is done, with all that is removed then; once is enough."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Ended


def _end_with_driver() -> None:
    """End with the driver process, which may have been killed.

    Nobody else ends then: each worker keeps alive the server that started it.
    """
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os._exit(1)
