"""Local engine: worker processes on this machine, one fresh process a job.

A job that raises, hangs, exits or is killed becomes a reason; the others go on.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.engines._job_process import JobProcess, end_all, wait_for_any
from harness.engines._job_queue import JobQueue
from harness.engines._worker_process import SAFE_PATH, SET_HERE
from harness.engines.job_limits import JobLimits
from harness.engines.telling import ToldLines
from harness.errors import HarnessError
from harness.machine.device_lock import timing_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.engines.engine import Outcome
    from harness.machine.device import DeviceSlot

Job = TypeVar("Job")
Result = TypeVar("Result")

POLL_SECONDS = 0.2
WORKER = "harness.engines._supervisor" if sys.platform == "linux" else "harness.engines._worker_process"
"""What every worker begins with, whatever its job is."""
STARTS = 10
"""Most tries to begin a job's process where the fork server ends meanwhile."""


@dataclass(frozen=True, kw_only=True)
class LocalEngine:
    """Local engine: runs jobs on `workers` processes, each killed after `time_limit` seconds.

    So is one that takes more than its limits. What the jobs print is added to `log`; `note` is called
    where one waits for another harness. Workers begin with the modules that `preloads` names, imported
    once for all of them.
    """

    workers: int
    time_limit: float
    log: Path
    preloads: tuple[str, ...] = ()
    note: Callable[[str], None] = print
    limits: JobLimits = JobLimits()

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        *,
        watching: Callable[[list[str]], None],
        slots: Mapping[str, DeviceSlot] | None = None,
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Run jobs: label and outcome of each as it ends; `watching` is called with those running.

        Jobs that are to be alone run first, one after the other; `jobs` does not grow where there are.
        """
        exclusive = {label: slot for label, slot in (slots or {}).items() if slot.exclusive}
        for label, slot in exclusive.items():
            with timing_lock(slot.device, waiting=self.note):
                yield from self._run_together(function, {label: jobs[label]}, watching)
        if exclusive:
            jobs = {label: job for label, job in jobs.items() if label not in exclusive}
        if jobs:
            yield from self._run_together(function, jobs, watching)

    def devices(self, slots: Iterable[DeviceSlot]) -> int:  # noqa: ARG002 -- whatever they are
        """One slot: what runs on another device here takes of the processor too."""
        return 1

    def _run_together(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        watching: Callable[[list[str]], None],
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Outcomes of jobs, of which as many run at once as there are workers."""
        told = ToldLines(self.log)
        queue = JobQueue(jobs=jobs, begin=partial(self._begun, function), workers=self.workers)
        try:
            while queue.has_more():
                yield from queue.start()
                wait_for_any(queue.running.values(), POLL_SECONDS)
                watching([*queue.running])
                for line in told.new():
                    self.note(line)
                yield from queue.ended()
        finally:
            end_all(queue.running.values())

    def _begun(self, function: Callable[[Job], Result], job: Job) -> JobProcess:
        """Process of a job, begun anew where the fork server ends at that moment."""
        context = _start_context(self.preloads)
        limits = self.limits.here(workers=self.workers, folder=self.log.parent)
        for _ in range(STARTS):
            start_server(self.preloads)
            # Nobody answers, or stops answering; until the system tells that it ended, none is started.
            with suppress(EOFError, ConnectionError):
                return JobProcess.begin(
                    context,
                    function,
                    job,
                    log=str(self.log),
                    time_limit=self.time_limit,
                    limits=limits,
                )
            time.sleep(POLL_SECONDS)
        raise HarnessError("no worker process could be started: the server of workers ends each time")


def start_server(preloads: tuple[str, ...]) -> None:
    """Start the fork server: it imports what workers start with, while the caller goes on."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver

        _start_context(preloads)
        with _silent_stderr(), _safe_path():
            forkserver.ensure_running()


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Silence stderr of what is started now.

    A process that was about to start when the last job or Ctrl-C ended the others would report what it
    finds gone.
    """
    stderr_copy, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr_copy, 2)
        os.close(stderr_copy)
        os.close(nowhere)


@contextmanager
def _safe_path() -> Iterator[None]:
    """Let what is started now import nothing from the current folder, as a file torch.py.

    A worker takes the driver's path, and this setting leaves it again.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = before or SET_HERE
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]


def wait_for_server(preloads: tuple[str, ...]) -> None:
    """Wait for the fork server: return when what workers start with is imported."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        first = _start_context(preloads).Process(target=_do_nothing)  # type: ignore[attr-defined]  # a context makes processes
        first.start()
        first.join()


def _do_nothing() -> None:
    """Do nothing, in a process that only shows that processes can start."""


def _start_context(preloads: tuple[str, ...]) -> multiprocessing.context.BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # Imported once in the server, where no thread is started yet, so that a worker starts in 0.1 s.
    context.set_forkserver_preload([*preloads, WORKER])
    return context
