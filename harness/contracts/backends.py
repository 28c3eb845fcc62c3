"""Backends: a device plus a runtime, the files they load, and simulators of absent devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn

Run = Callable[["Tensor"], "Tensor"]
"""One inference: a batch in, the outputs back when they are ready. The core times this call."""


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
    """A backend that takes PyTorch's model as it is."""

    def prepare(self, model: nn.Module, example: Tensor) -> Run:
        """Load the model, untimed; use as many threads as `torch.get_num_threads()` says."""


class Format(Protocol):
    """What every converter tells of the files that it makes."""

    @property
    def name(self) -> str:
        """The file's format; backends whose converters have the same name share files."""

    @property
    def suffix(self) -> str:
        """What the file's name ends with, as `.onnx`."""

    @property
    def version(self) -> str:
        """Of the libraries that make it: another version makes the files anew."""


@runtime_checkable
class Converter(Format, Protocol):
    """Makes a file of one snapshot for one batch size; the core keeps it."""

    def convert(self, model: nn.Module, images: Tensor, *, batch: int) -> bytes:
        """The file, for inputs of `batch` images; `images` are of the training set, to calibrate on."""


@runtime_checkable
class Refines(Format, Protocol):
    """Makes a file from another converter's, which other backends may load as it is."""

    @property
    def source(self) -> Converter | SharesGraph:
        """What makes the file that this one starts from."""

    def refine(self, file: bytes, images: Tensor, *, batch: int) -> bytes:
        """The file, for inputs of `batch` images; `images` are of the training set, to calibrate on."""


@runtime_checkable
class SharesGraph(Format, Protocol):
    """Makes files from a graph that is converted once for all models of the same shapes."""

    def export(self, model: nn.Module, example: Tensor) -> bytes:
        """The converted graph without its weights, good for any batch size."""

    def fill(self, graph: bytes, model: nn.Module) -> bytes:
        """The file that is shipped: a graph exported from the same shapes, with `model`'s weights."""


@runtime_checkable
class Narrows(Protocol):
    """A converter whose graph also serves models of the same layers that have lost channels."""

    def narrowed(self, graph: bytes, model: nn.Module, example: Tensor) -> bytes | None:
        """The graph for `model`, of a wider one; None where it would not compute what `model` does.

        Converting takes seconds for each architecture, and every channel-pruned model is one.
        """


AnyConverter = Converter | Refines | SharesGraph


@runtime_checkable
class LoadsFile(Protocol):
    """A backend that loads a file, which another process may have made."""

    @property
    def converter(self) -> AnyConverter:
        """What makes the file."""

    def load(self, file: bytes) -> Run:
        """Load the file, untimed; use as many threads as `torch.get_num_threads()` says."""


@runtime_checkable
class OnDevice(Protocol):
    """A backend on a PyTorch device that is not the processor.

    What `prepare` or `load` returns takes and returns tensors in the device's memory, and may return
    before they are computed: the inputs are put there untimed, and the device's own events are the
    clock.
    """

    @property
    def torch_device(self) -> str:
        """PyTorch's name of it, as `cuda`."""


@runtime_checkable
class Approximate(Protocol):
    """A backend that computes in fewer bits than PyTorch's 32: its own accuracy is measured too."""

    @property
    def tolerance(self) -> float:
        """How far outputs may be from PyTorch's, over the largest; 0.001 without this."""


@runtime_checkable
class LimitsBatch(Protocol):
    """A backend that runs no more than so many images at once; larger batches are skipped."""

    @property
    def most_images(self) -> int:
        """Images of an inference."""


@runtime_checkable
class PrefersMultiple(Protocol):
    """A backend that computes channels so many at a time; `channel:BACKEND` keeps a multiple."""

    @property
    def channel_multiple(self) -> int:
        """Channels."""


@runtime_checkable
class Bounded(Protocol):
    """A backend that knows how fast its device can be; a time below that fails its row."""

    def peak_macs(self, threads: int) -> float:
        """Multiply-accumulates a second that the device cannot exceed at any precision."""


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

    What `load` returns computes the device's numbers on this machine.
    """

    @property
    def reads_weights(self) -> bool:
        """Whether zeros change what it says; else models of the same shapes share it."""

    def simulate(self, file: bytes) -> Simulated:
        """Time and energy of one inference. Raises HarnessError with the simulator's own reason."""
