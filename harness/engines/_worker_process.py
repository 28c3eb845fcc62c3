"""Worker process: quiet, of one job, and gone when its run is."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from harness.engines.engine import Outcome
from harness.errors import failure_reason

if TYPE_CHECKING:
    from collections.abc import Callable

Job = TypeVar("Job")
Result = TypeVar("Result")

PR_SET_PDEATHSIG = 1


def run_job(function: Callable[[Job], Result], job: Job) -> Outcome[Result]:
    """Run a job and catch what it raises, in its own process, where the traceback is known."""
    try:
        return Outcome(value=function(job))
    except BaseException as error:
        # What means to end a process is no more than this job's end.
        traceback.print_exc()
        return Outcome(failure=failure_reason(error))
    finally:
        # Whoever has the outcome may end this process, with what it printed and did not write yet.
        sys.stdout.flush()
        sys.stderr.flush()


def become_worker(log: str) -> None:
    """Become a worker: print to the log, leave Ctrl-C to the run, and end when that does."""
    _end_with_server()
    Thread(target=_end_with_driver, daemon=True).start()
    # Ctrl-C is the parent's to handle; what libraries and plugins print belongs in the log.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)


def _end_with_driver() -> None:
    """End with the driver process, which may have been killed.

    Nobody else ends then: each worker keeps alive the server that started it.
    """
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os._exit(1)


def _end_with_server() -> None:
    """End with the fork server: Linux kills this process when that ends, as it does after the run.

    A worker that is stuck inside a library would keep a core busy for ever.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
