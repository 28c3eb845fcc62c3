"""Call limit: how long a plugin's code may take in the run's own process, which no job's limit ends."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

CALL_LIMIT_VARIABLE = "HARNESS_CALL_LIMIT"
CALL_SECONDS = 300.0
LONGEST_SECONDS = 30 * 86_400
AGAIN_FRACTION = 0.1
"""Of the limit, after which code is ended again that caught the first."""
PATIENCE = 3.0
"""Of the limit, after which the process ends: code of C is not to be interrupted."""


class CallLimitError(HarnessError):
    """A plugin's code took too long in the run's own process; it costs what is asked of it alone."""


class _CallEndedError(BaseException):
    """Raised in the plugin's code, past those that catch whatever is an exception."""


@contextmanager
def call_limit(what: str) -> Iterator[None]:
    """Limit a block to 300 s, or to what HARNESS_CALL_LIMIT says, in the main thread of a POSIX system.

    Raises CallLimitError naming what took so long and where it was. What is not to be interrupted ends
    the process, with its stack on stderr, after three times as long. In another block of this kind the
    outer limit holds.
    """
    if not _can_limit():
        yield
        return
    alarm, earlier = _Alarm(), signal.getsignal(signal.SIGALRM)
    seconds = call_seconds()
    signal.signal(signal.SIGALRM, alarm)
    try:
        try:
            _start(seconds)
            yield
        finally:
            _stop()
    except _CallEndedError:
        _stop()
        raise CallLimitError(f"{what} took more than {seconds:g} s, at {alarm.location}") from None
    finally:
        # None where it was set outside of Python.
        signal.signal(signal.SIGALRM, earlier or signal.SIG_DFL)


def call_seconds() -> float:
    """Seconds of the limit. Raises HarnessError where HARNESS_CALL_LIMIT is none up to 30 days."""
    text = os.environ.get(CALL_LIMIT_VARIABLE, "").strip()
    try:
        seconds = float(text or CALL_SECONDS)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= LONGEST_SECONDS:
        raise HarnessError(
            f"{CALL_LIMIT_VARIABLE} is seconds that a plugin may take, 30 days at most, not {text!r}"
        )
    return seconds


class _Alarm:
    """Handler of the signal; it remembers where the code was."""

    location = "its end"

    def __call__(self, _: int, frame: FrameType | None) -> NoReturn:
        if frame is not None:
            self.location = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        raise _CallEndedError


def _can_limit() -> bool:
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return False
    return not isinstance(signal.getsignal(signal.SIGALRM), _Alarm)


def _start(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_FRACTION * seconds)
    if sys.__stderr__ is not None:
        faulthandler.dump_traceback_later(PATIENCE * seconds, exit=True, file=sys.__stderr__)


def _stop() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    faulthandler.cancel_dump_traceback_later()
