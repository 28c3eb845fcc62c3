"""Engine protocol: what runs jobs, on this machine or others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.engines.job_limits import JobLimits
    from harness.machine.device import DeviceSlot

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[Result]):
    """Outcome of a job: what it returned, or why it did not."""

    value: Result | None = None
    failure: str = ""


@runtime_checkable
class TrainsOnGpu(Protocol):
    """Ability of a job to say whether it needs a share of a GPU, as those that train do."""

    @property
    def on_gpu(self) -> bool:
        """Whether it needs a share of a GPU."""


class Engine(Protocol):
    """Engine: runs each job in a process of its own; one that raises, hangs or dies costs no other."""

    @property
    def workers(self) -> int:
        """Number of jobs that run at once."""

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        *,
        watching: Callable[[list[str]], None],
        slots: Mapping[str, DeviceSlot] | None = None,
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Run jobs: label and outcome of each as it ends; `watching` is called with those running.

        A job that `slots` does not name runs anywhere. Whoever takes the outcomes may add to `jobs`:
        what is added begins as workers become free.
        """

    def devices(self, slots: Iterable[DeviceSlot]) -> int:
        """Number of the slots that jobs can have alone at once."""


class EngineFactory(Protocol):
    """Factory of engines for a run."""

    def __call__(
        self,
        *,
        time_limit: float,
        log: Path,
        preloads: tuple[str, ...],
        note: Callable[[str], None],
        limits: JobLimits,
    ) -> Engine:
        """Make an engine whose jobs have `time_limit` seconds and `limits`, and print to `log`."""
