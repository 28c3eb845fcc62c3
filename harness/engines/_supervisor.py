"""Supervisor of a job: its parent process, as init is a container's.

It keeps the job's log, holds it to its limits, and ends whatever it started once the job, or the run,
is gone. Linux alone hands over processes whose parent has ended.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING, NoReturn

import psutil

from harness.engines._job_log import JobLog
from harness.machine.linux_process import adopt_orphans, end_as, end_with_parent, offer_to_oom_killer

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engines.job_limits import JobLimits

LOOK_SECONDS = 0.25
LOOK_FRACTION = 0.01
"""Of a processor, that looking at processes takes at most: others are timed beside it."""
LONGEST_LOOK_SECONDS = 5.0
"""Between two looks, however many processes a machine has."""
GRACE_SECONDS = 3.0
"""That a job may take to end when it is asked to."""
SWEEP_SECONDS = 20.0
"""That ending what it left may take: a process may wait for a device for ever."""


def fork_supervised(log: str, limits: JobLimits, *, tell_excess: Callable[[str], None]) -> None:
    """Fork a process for the job and return in that; this one supervises it, and ends as it does.

    Where the job is over a limit, it is ended, and that is told.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_orphans()
    supervisor = os.getpid()
    output, printed = os.pipe()
    job = os.fork()
    if job:
        os.close(printed)
        end_with_parent(signal.SIGTERM)
        job_log = JobLog(Path(log), output, limit_mb=limits.log_mb)
        _Supervisor(job=job, log=job_log, limits=limits, tell_excess=tell_excess).supervise()
    # However many processes it starts, the system gives the supervisor its share of time, where it can.
    os.setsid()
    end_with_parent(signal.SIGKILL, parent=supervisor)
    offer_to_oom_killer()
    for standard in (1, 2):
        os.dup2(printed, standard)
    for end in (output, printed):
        os.close(end)


@dataclass(kw_only=True)
class _Supervisor:
    """A job's process, what it prints, and what it may take."""

    job: int
    log: JobLog
    limits: JobLimits
    tell_excess: Callable[[str], None]
    _code: int | None = field(default=None, init=False)
    _asked_at: float | None = field(default=None, init=False)
    _began: float = field(default_factory=time.monotonic, init=False)
    _written: dict[int, int] = field(default_factory=dict, init=False)

    def supervise(self) -> NoReturn:
        """Supervise until the job has ended, end what it left, and end as it did."""
        excess = self._watch()
        self._sweep()
        self.log.keep_rest()
        if excess is not None:
            with suppress(OSError):
                self.tell_excess(excess)
        end_as(1 if self._code is None else self._code)

    def _watch(self) -> str | None:
        """Return when the job has ended or must be: over which limit it is, where it is over one."""
        next_look = time.monotonic() + LOOK_SECONDS
        with self._events() as events:
            while True:
                for key, _ in events.select(LOOK_SECONDS):
                    if not key.data():
                        events.unregister(key.fileobj)
                self._reap()
                began = time.monotonic()
                if self._code is not None or began > (self._asked_at or began) + GRACE_SECONDS:
                    return None
                if began > next_look:
                    if excess := self._excess():
                        return excess
                    next_look = began + self._pause()

    def _pause(self) -> float:
        """Seconds to the next look, by what the looks until now took of a processor."""
        busy = time.process_time() / (time.monotonic() - self._began)
        return min(LONGEST_LOOK_SECONDS, LOOK_SECONDS * max(1.0, busy / LOOK_FRACTION))

    def _events(self) -> DefaultSelector:
        """What to wake up for, each with what to do, which tells whether more can come."""
        events, (signals, wakeup) = DefaultSelector(), os.pipe()
        for end in (signals, wakeup):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, lambda *_: self._ask_to_end())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        events.register(signals, EVENT_READ, lambda: os.read(signals, 1024))
        events.register(self.log, EVENT_READ, self.log.keep)
        driver = multiprocessing.parent_process()
        if driver is not None:
            # Readable from when the driver is gone, and for ever.
            events.register(driver.sentinel, EVENT_READ, self._ask_to_end)
        return events

    def _ask_to_end(self) -> None:
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            with suppress(ProcessLookupError):
                os.kill(self.job, signal.SIGTERM)

    def _reap(self) -> bool:
        """Take note of processes that have ended, the job's or what was left; whether any has not."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.job:
                    self._code = os.waitstatus_to_exitcode(ended[1])
            return True
        return False

    def _excess(self) -> str | None:
        """Over which limit the job is: first of processes, which may grow as fast as they are read."""
        processes = psutil.Process().children(recursive=True)
        if excess := self.limits.excess("processes", len(processes)):
            return excess
        for process in processes:
            with suppress(psutil.Error):
                written = process.io_counters()
                # Files in memory are counted among the characters alone, mapped ones among the bytes.
                self._written[process.pid] = max(written.write_chars, written.write_bytes)
        memory = sum(map(_own_bytes, processes))
        if self.limits.excess("memory", memory / 1e9):
            memory = sum(map(_proportional_bytes, processes))
        # What those that have ended had written counts too.
        written_gb = sum(self._written.values()) / 1e9
        return self.limits.excess("memory", memory / 1e9) or self.limits.excess("disk", written_gb)

    def _sweep(self) -> None:
        """End all that descends from here; what is stopped first starts no others meanwhile."""
        with suppress(ProcessLookupError):
            # The system ends a group at once, however fast it grows.
            os.killpg(self.job, signal.SIGKILL)
        until = time.monotonic() + SWEEP_SECONDS
        while self._reap() and time.monotonic() < until:
            left = psutil.Process().children(recursive=True)
            for act in (psutil.Process.suspend, psutil.Process.kill):
                for process in left:
                    with suppress(psutil.Error):
                        act(process)
            time.sleep(0.01)


def _own_bytes(process: psutil.Process) -> int:
    """Resident memory but that of files: too much where a fork shares it with its parent, but cheap."""
    with suppress(psutil.Error):
        resident = process.memory_info()
        return int(resident.rss - resident.shared)
    return 0


def _proportional_bytes(process: psutil.Process) -> int:
    """Proportional set size: of what processes share, an equal share each."""
    with suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0
