"""A backend that spends a known time more on every run, which a clock is to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.backends import LoadsFile, OnDevice, RunsModel
from harness.errors import HarnessError
from harness.machine.clock import CLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.contracts.backends import Backend, Run
    from harness.contracts.converters import AnyConverter


@dataclass(frozen=True)
class Slowed:
    """A backend that spends so many nanoseconds more on every run."""

    backend: Backend
    nanoseconds: int

    @property
    def name(self) -> str:
        """The backend's, with what it is slowed by."""
        return f"{self.backend.name} and {self.nanoseconds} ns"

    def unavailable(self) -> str | None:
        """As the backend's."""
        return self.backend.unavailable()

    def describe(self) -> Mapping[str, str]:
        """As the backend's."""
        return self.backend.describe()


@dataclass(frozen=True)
class SlowedModel(Slowed):
    """The same of a backend that takes a model, which it is given a second time as such."""

    takes: RunsModel

    def prepare(self, model: nn.Module, example: Tensor) -> Run:
        """The backend's run, and then the extra time."""
        return _slowed(self.takes.prepare(model, example), self.nanoseconds)


@dataclass(frozen=True)
class SlowedFile(Slowed):
    """The same of a backend that loads a file, which it is given a second time as such."""

    takes: LoadsFile

    @property
    def converter(self) -> AnyConverter:
        """The backend's."""
        return self.takes.converter

    def load(self, file: bytes) -> Run:
        """The backend's run, and then the extra time."""
        return _slowed(self.takes.load(file), self.nanoseconds)


def slowed(backend: Backend, nanoseconds: int) -> Slowed:
    """The backend, spending so much more on every run.

    Raises HarnessError where it runs nothing, or where a device's own clock would not see that.
    """
    if isinstance(backend, OnDevice):
        raise HarnessError(f"{backend.name} is timed by its device, which cannot be slowed from here")
    if isinstance(backend, LoadsFile):
        return SlowedFile(backend, nanoseconds, backend)
    if isinstance(backend, RunsModel):
        return SlowedModel(backend, nanoseconds, backend)
    raise HarnessError(f"{backend.name} neither takes a model nor loads a file")


def _slowed(run: Run, nanoseconds: int) -> Run:
    def slower(images: Tensor) -> Tensor:
        output = run(images)
        until = CLOCK() + nanoseconds
        while CLOCK() < until:
            pass
        return output

    return slower
