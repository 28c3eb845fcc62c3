"""What runs jobs, on this machine or others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.machine.device import DeviceSlot

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[Result]):
    """What a job returned, or why it did not."""

    value: Result | None = None
    failure: str = ""


@runtime_checkable
class TrainsOnGpu(Protocol):
    """A job that says whether it needs a share of a GPU, as those that train do."""

    @property
    def on_gpu(self) -> bool:
        """Whether it does."""


class Engine(Protocol):
    """Runs jobs in processes of their own: one that raises, hangs or dies costs no other."""

    @property
    def workers(self) -> int:
        """How many jobs run at once."""

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        *,
        watching: Callable[[list[str]], None],
        slots: Mapping[str, DeviceSlot] | None = None,
        expected: int = 0,
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Label and outcome of each job as it ends; `watching` hears which are running.

        A job that `slots` does not name runs anywhere. Whoever takes the outcomes may add to `jobs`,
        up to `expected` of them: they begin as workers become free.
        """

    def devices(self, slots: Iterable[DeviceSlot]) -> int:
        """On how many of the places jobs can be alone at once."""


class EngineFactory(Protocol):
    """Makes an engine for a run."""

    def __call__(
        self, *, time_limit: float, log: Path, preloads: tuple[str, ...], note: Callable[[str], None]
    ) -> Engine:
        """The engine: what it does is said where it is made."""
