"""Linux process: what only Linux does for a process whose parent, or whose children's parent, ends."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
OOM_SCORE = Path("/proc/self/oom_score_adj")
OOM_SCORE_OF_JOBS = "500"
"""Of 1000: a machine without memory ends a job before the run that would tell of it."""


def end_with_parent(with_signal: signal.Signals, *, parent: int | None = None) -> None:
    """Have the system send a signal here when the parent ends; end at once where it has."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, with_signal)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of whatever descends from here, once its own has ended."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def offer_to_oom_killer() -> None:
    """Have the system end this process before others where memory runs out."""
    with suppress(OSError):
        OOM_SCORE.write_text(OOM_SCORE_OF_JOBS)


def end_as(code: int) -> NoReturn:
    """End as another process did: with its exit code, or where that is negative by its signal."""
    if code < 0:
        import resource

        # Its own core file is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
