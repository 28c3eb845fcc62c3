"""Models, data sets, backends and reporters, and what any plugin may be besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn
    from torch.utils.data import Dataset as TorchDataset

Run = Callable[["Tensor"], "Tensor"]
"""One inference: a batch in, the outputs back when they are ready. The core times this call."""

Part = Literal["train", "test"]


@runtime_checkable
class Dataset(Protocol):
    """Labelled images."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    @property
    def classes(self) -> int:
        """How many labels there are."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""

    def split(self, part: Part) -> TorchDataset[tuple[Tensor, int]]:
        """Pairs of a normalised float image and its label, by index."""

    def fingerprint(self) -> str:
        """A hash that changes when the images, labels or splits change."""


@runtime_checkable
class Augments(Protocol):
    """A dataset with its own augmentation of training batches."""

    def augment(self, images: Tensor, generator: Generator) -> Tensor:
        """A changed copy of `(n, channels, height, width)`; all randomness from `generator`."""


@runtime_checkable
class Model(Protocol):
    """An architecture."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    def build(self, dataset: Dataset) -> nn.Module:
        """A freshly initialised network for the dataset's shape and classes."""


@runtime_checkable
class Backend(Protocol):
    """A device plus a runtime that runs a model."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    def unavailable(self) -> str | None:
        """Why this machine cannot use it, with the way out; None where it can. Import nothing heavy."""

    def describe(self) -> Mapping[str, str]:
        """`device` and `runtime` (with version): facts that make timings comparable or not."""

    def prepare(self, model: nn.Module, example: Tensor) -> Run:
        """Load the model, untimed; use as many threads as `torch.get_num_threads()` says."""


@runtime_checkable
class Bounded(Protocol):
    """A backend that knows how fast its device can be; a time below that fails its row."""

    def peak_macs(self, threads: int) -> float:
        """Multiply-accumulates a second that the device cannot exceed at any precision."""


@runtime_checkable
class SharesGraph(Protocol):
    """A backend that loads a file, converted once for all models of the same shapes."""

    def export(self, model: nn.Module, example: Tensor) -> bytes:
        """The converted graph without its weights, good for any batch size."""

    def fill(self, graph: bytes, model: nn.Module) -> bytes:
        """The file that is shipped: a graph exported from the same shapes, with `model`'s weights."""

    def load(self, file: bytes) -> Run:
        """What `prepare` returns, from a file that `fill` made."""


@runtime_checkable
class Reporter(Protocol):
    """Turns rows into files."""

    @property
    def name(self) -> str:
        """The name users know it by."""

    def render(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
        """File name to content, from the rows alone."""


@runtime_checkable
class Configurable(Protocol):
    """A plugin that takes an argument, selected as `name:argument`."""

    def configured(self, argument: str) -> Self:
        """A copy whose name includes the argument; HarnessError where the argument is wrong."""


@runtime_checkable
class NeedsArgument(Protocol):
    """A plugin that is nothing without an argument: `all` and patterns leave it out."""

    @property
    def needs_argument(self) -> str:
        """An argument to show as an example."""


@runtime_checkable
class Preloads(Protocol):
    """A dataset whose libraries are slow to import; worker processes start with them in memory."""

    @property
    def preloads(self) -> Sequence[str]:
        """Module names."""
