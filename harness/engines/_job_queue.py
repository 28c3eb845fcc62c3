"""Queue of jobs: which wait, which run, and what those that ended told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.engines.engine import Outcome
from harness.errors import failure_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.engines._job_process import JobProcess


@dataclass(kw_only=True)
class JobQueue:
    """Jobs in their order, of which at most `workers` run; `jobs` may grow meanwhile.

    A job whose process ended with the server that had started it is begun again, once.
    """

    jobs: Mapping[str, Any]
    begin: Callable[[Any], JobProcess]
    workers: int
    running: dict[str, JobProcess] = field(default_factory=dict, init=False)
    _waiting: deque[str] = field(default_factory=deque, init=False)
    _seen: int = field(default=0, init=False)
    _begun_again: set[str] = field(default_factory=set, init=False)

    def has_more(self) -> bool:
        """Whether any job has not told its outcome."""
        self._waiting.extend(islice(self.jobs, self._seen, None))
        self._seen = len(self.jobs)
        return bool(self.running or self._waiting)

    def start(self) -> Iterator[tuple[str, Outcome[Any]]]:
        """Start as many as there is room for; those that cannot start have their outcome at once."""
        while self._waiting and len(self.running) < self.workers:
            label = self._waiting.popleft()
            try:
                self.running[label] = self.begin(self.jobs[label])
            except Exception as error:
                yield label, Outcome(failure=failure_reason(error))

    def ended(self) -> Iterator[tuple[str, Outcome[Any]]]:
        """Those that have gone since the last look, each with its outcome."""
        for label, process in [*self.running.items()]:
            if not process.ended():
                continue
            del self.running[label]
            if process.lost_its_server() and label not in self._begun_again:
                self._begun_again.add(label)
                self._waiting.appendleft(label)
            elif process.outcome is not None:
                yield label, process.outcome
