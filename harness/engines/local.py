"""Local engine: worker processes on this machine, one fresh process a job.

A job that raises, hangs, exits or is killed becomes a reason; the others go on.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pebble

from harness.engines._worker_process import become_worker, run_job
from harness.engines.engine import Outcome
from harness.engines.telling import ToldLines
from harness.errors import failure_reason
from harness.machine.device_lock import timing_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.machine.device import DeviceSlot

Job = TypeVar("Job")
Result = TypeVar("Result")

POOLS = 2
"""That jobs share before each is alone in one, where pools break."""
POLL_SECONDS = 0.2
SLEEP_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class LocalEngine:
    """Local engine: runs jobs on `workers` processes, each killed after `time_limit` seconds.

    What the jobs print is added to `log`; `note` is called where one waits for another harness. Workers
    begin with the modules that `preloads` names, imported once for all of them.
    """

    workers: int
    time_limit: float
    log: Path
    preloads: tuple[str, ...] = ()
    note: Callable[[str], None] = print

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        *,
        watching: Callable[[list[str]], None],
        slots: Mapping[str, DeviceSlot] | None = None,
        expected: int = 0,
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Run jobs: label and outcome of each as it ends; `watching` is called with those running.

        Jobs that are to be alone run first, one after the other; `jobs` does not grow where there are.
        """
        exclusive = {label: slot for label, slot in (slots or {}).items() if slot.exclusive}
        for label, slot in exclusive.items():
            with timing_lock(slot.device, waiting=self.note):
                yield from self._run_together(function, {label: jobs[label]}, watching, 1)
        if exclusive:
            jobs = {label: job for label, job in jobs.items() if label not in exclusive}
        if jobs:
            yield from self._run_together(function, jobs, watching, max(len(jobs), expected))

    def devices(self, slots: Iterable[DeviceSlot]) -> int:  # noqa: ARG002 -- whatever they are
        """One slot: what runs on another device here takes of the processor too."""
        return 1

    def _run_together(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        watching: Callable[[list[str]], None],
        expected: int,
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Outcomes of jobs; those of a pool that broke are begun again, at last each in one of its own.

        Pebble takes a worker that ends before its job was acknowledged for the end of the whole pool.
        """
        lost: dict[str, Job] = {}
        for _ in range(POOLS):
            lost = {}
            for future, label in self._run_in_pool(function, jobs, watching, expected):
                if isinstance(future.exception(), BrokenProcessPool):
                    lost[label] = jobs[label]
                else:
                    yield label, self._outcome_of(future)
            jobs, expected = lost, len(lost)
        for label, job in lost.items():
            for future, _ in self._run_in_pool(function, {label: job}, watching, 1):
                yield label, self._outcome_of(future)

    def _run_in_pool(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        watching: Callable[[list[str]], None],
        expected: int,
    ) -> Iterator[tuple[concurrent.futures.Future[Outcome[Result]], str]]:
        if not jobs:
            return
        start_server(self.preloads)
        # Pebble's own tenth of a second comes several times between two jobs.
        pebble.CONSTS.sleep_unit = SLEEP_SECONDS
        pool = pebble.ProcessPool(
            max_workers=min(self.workers, expected),
            max_tasks=1,
            context=_start_context(self.preloads),
            initializer=become_worker,
            initargs=(str(self.log),),
        )
        try:
            told = ToldLines(self.log)
            pending: dict[concurrent.futures.Future[Outcome[Result]], str] = {}
            started: set[str] = set()
            while pending or len(started) < len(jobs):
                for label in [label for label in jobs if label not in started]:
                    started.add(label)
                    pending[self._scheduled(pool, function, jobs[label])] = label
                done, _ = concurrent.futures.wait(pending, POLL_SECONDS, "FIRST_COMPLETED")
                watching([label for future, label in pending.items() if future.running()])
                for line in told.new():
                    self.note(line)
                for future in done:
                    yield future, pending.pop(future)
            pool.close()
        finally:
            pool.stop()
            pool.join()

    def _scheduled(
        self,
        pool: pebble.ProcessPool,
        function: Callable[[Job], Result],
        job: Job,
    ) -> concurrent.futures.Future[Outcome[Result]]:
        """Future of a job; one that a broken pool took, where it takes no more."""
        try:
            future: concurrent.futures.Future[Outcome[Result]] = pool.schedule(
                run_job, args=[function, job], timeout=self.time_limit
            )
        except RuntimeError as error:
            future = concurrent.futures.Future()
            future.set_exception(BrokenProcessPool(str(error)))
        return future

    def _outcome_of(self, future: concurrent.futures.Future[Outcome[Any]]) -> Outcome[Any]:
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, concurrent.futures.TimeoutError):
            return Outcome(failure=f"ran past the time limit of {self.time_limit:g} s")
        if isinstance(error, pebble.ProcessExpired):
            return Outcome(failure=f"its process ended with exit code {error.exitcode}")
        if isinstance(error, BrokenProcessPool):
            return Outcome(failure="its process ended before it could say that it began")
        return Outcome(failure=failure_reason(error))


def start_server(preloads: tuple[str, ...]) -> None:
    """Start the fork server: it imports what workers start with, while the caller goes on."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver

        _start_context(preloads)
        with _silent_stderr():
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
    context.set_forkserver_preload([*preloads])
    return context
