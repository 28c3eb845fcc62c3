"""Backends: a device plus a runtime, the files they load, and simulators of absent devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn


Run = Callable[["Tensor"], "Tensor"]
"""One inference: a batch in, the outputs back when they are ready, which later calls leave as they are.

The core times this call."""


@runtime_checkable
class Backend(Protocol):
    """A device plus a runtime that runs a model: one that `RunsModel` or that `LoadsFile`."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    def unavailable(self) -> str | None:
        """Why this machine cannot use it, with the way out; None where it can. Import nothing heavy."""

    def describe(self) -> Mapping[str, str]:
        """`device` and `runtime` (with version): facts that make timings comparable or not."""


@runtime_checkable
class RunsModel(Protocol):
    """A backend that takes PyTorch's model as it is.

    Each process that times or evaluates prepares the model anew, once for each batch size.
    """

    def prepare(self, model: nn.Module, example: Tensor) -> Run:
        """Load the model, untimed; use as many threads as `torch.get_num_threads()` says."""


@runtime_checkable
class OnDevice(Protocol):
    """A backend on a PyTorch device that is not the processor.

    What `prepare` or `load` returns takes and returns tensors in the device's memory, and may return
    before they are computed: the core puts the inputs there untimed, takes the device's own events for
    the clock, and measures no memory of a process.
    """

    @property
    def torch_device(self) -> str:
        """PyTorch's name of it, as `cuda`."""


@runtime_checkable
class Approximate(Protocol):
    """A backend that computes in fewer bits than PyTorch's 32.

    The core measures accuracy through it, on the whole test part, and ranks by that accuracy.
    """

    @property
    def tolerance(self) -> float:
        """How far outputs may be from PyTorch's, over the largest; 0.001 without this."""


@runtime_checkable
class LimitsBatch(Protocol):
    """A backend that runs no more than so many images at once; cells of larger batches are skipped."""

    @property
    def most_images(self) -> int:
        """Images of an inference."""


@runtime_checkable
class PrefersMultiple(Protocol):
    """A backend that computes channels so many at a time.

    At granularity `channel:BACKEND` the core keeps a multiple of that in each layer.
    """

    @property
    def channel_multiple(self) -> int:
        """Channels."""


@runtime_checkable
class ReadsWeights(Protocol):
    """A backend that declares whether the values of weights decide how long an inference takes.

    Where they do not, a time belongs to the architecture: the core measures it once for all methods,
    levels and seeds that have it. Without this, every model is timed for itself.
    """

    @property
    def reads_weights(self) -> bool:
        """Whether they do, as where zeros are skipped or weights are compressed."""


@runtime_checkable
class Bounded(Protocol):
    """A backend that knows how fast its device can be.

    A time below what a model's multiply-accumulates then need fails its row: the clock is wrong. Of a
    backend that does not tell, and is no accelerator, they need what the fastest processor would take.
    """

    def peak_macs(self, threads: int) -> float:
        """Multiply-accumulates a second that the device cannot exceed at any precision."""


def cpu_peak_macs(threads: int) -> float:
    """Peak multiply-accumulates a second of any processor: a matrix unit a core at 6 GHz."""
    return threads * 6e9 * 1024


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What a simulator says of one inference; None where it does not tell.

    `operators_elsewhere` counts those that the device leaves to another processor.
    """

    latency_ms: float
    energy_j: float | None = None
    cycles: int | None = None
    sram_mb: float | None = None
    flash_mb: float | None = None
    operators_elsewhere: int | None = None


@runtime_checkable
class Simulates(Protocol):
    """A backend that loads a file and hands over a device's own time instead of being timed.

    What `load` returns computes the device's numbers on this machine, for the accuracy. The core keeps
    what was simulated, and ranks by it as by a time that was measured.
    """

    def simulate(self, file: bytes) -> Simulated:
        """Time and energy of one inference. Raises HarnessError with the simulator's own reason."""


@runtime_checkable
class Compiles(Protocol):
    """A backend whose device runs what a compiler of its own makes of the file that is exported."""

    def compile_command(self, file: str) -> str:
        """Command line that makes it of a file of that name."""


def shares_time(backend: Backend) -> bool:
    """Whether models of one architecture share a time on the backend, which it has to declare."""
    return isinstance(backend, ReadsWeights) and not backend.reads_weights
