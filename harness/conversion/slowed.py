"""Slowed backend: it spends a fixed time more on every run, which a clock is to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.backends import OnDevice, RunsModel
from harness.contracts.converters import LoadsFile
from harness.errors import HarnessError
from harness.machine.clock import CLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.contracts.backends import Backend, Run
    from harness.contracts.converters import AnyConverter


@dataclass(frozen=True)
class Slowed:
    """Slowed backend: it spends so many nanoseconds more on every run."""

    backend: Backend
    nanoseconds: int

    @property
    def name(self) -> str:
        """Name of the backend, with what it is slowed by."""
        return f"{self.backend.name} and {self.nanoseconds} ns"

    def unavailable(self) -> str | None:
        """Reason why the backend is unavailable, or None."""
        return self.backend.unavailable()

    def describe(self) -> Mapping[str, str]:
        """Device facts of the backend."""
        return self.backend.describe()


@dataclass(frozen=True)
class SlowedModel(Slowed):
    """Slowed backend that takes a model; `takes` is the same backend, typed as such."""

    takes: RunsModel

    def prepare(self, model: nn.Module, example: Tensor) -> Run:
        """Run of the backend, and then the extra time."""
        return _slowed_run(self.takes.prepare(model, example), self.nanoseconds)


@dataclass(frozen=True)
class SlowedFile(Slowed):
    """Slowed backend that loads a file; `takes` is the same backend, typed as such."""

    takes: LoadsFile

    @property
    def converter(self) -> AnyConverter:
        """Converter of the backend."""
        return self.takes.converter

    def load(self, file: bytes) -> Run:
        """Run of the backend, and then the extra time."""
        return _slowed_run(self.takes.load(file), self.nanoseconds)


def slowed_backend(backend: Backend, nanoseconds: int) -> Slowed:
    """Slowed backend, spending so much more on every run.

    Raises HarnessError where it runs nothing, or where a device's own clock would not see that.
    """
    if isinstance(backend, OnDevice):
        raise HarnessError(f"{backend.name} is timed by its device, which cannot be slowed from here")
    if isinstance(backend, LoadsFile):
        return SlowedFile(backend, nanoseconds, backend)
    if isinstance(backend, RunsModel):
        return SlowedModel(backend, nanoseconds, backend)
    raise HarnessError(f"{backend.name} neither takes a model nor loads a file")


def _slowed_run(run: Run, nanoseconds: int) -> Run:
    def slower(images: Tensor) -> Tensor:
        output = run(images)
        until = CLOCK() + nanoseconds
        while CLOCK() < until:
            pass
        return output

    return slower
