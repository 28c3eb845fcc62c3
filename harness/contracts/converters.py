"""Converters: what makes the file that a backend loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from harness.contracts.backends import Run


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
    """Makes a file of one snapshot for one batch size; the core keeps it under the weights' hash."""

    def convert(self, model: nn.Module, images: Tensor, *, batch: int) -> bytes:
        """The file, for inputs of `batch` images; `images` are of the training set, to calibrate on."""


@runtime_checkable
class Refines(Format, Protocol):
    """Makes a file from another converter's, which other backends may load as it is.

    The core has the source make its file first, or takes the one that it keeps.
    """

    @property
    def source(self) -> Converter | SharesGraph:
        """What makes the file that this one starts from."""

    def refine(self, file: bytes, images: Tensor, *, batch: int) -> bytes:
        """The file, for inputs of `batch` images; `images` are of the training set, to calibrate on."""


@runtime_checkable
class SharesGraph(Format, Protocol):
    """Makes files from a graph that is converted once for all models of the same shapes.

    The core keeps the graph and fills it with the weights of each masked twin of the dense model.
    """

    def export(self, model: nn.Module, example: Tensor) -> bytes:
        """The converted graph without its weights, good for any batch size."""

    def fill(self, graph: bytes, model: nn.Module) -> bytes:
        """The file that is shipped: a graph exported from the same shapes, with `model`'s weights."""


@runtime_checkable
class Narrows(Protocol):
    """A converter whose graph also serves models of the same layers that have lost channels.

    The core asks for a narrower graph before it exports a channel-pruned model anew.
    """

    def narrowed(self, graph: bytes, model: nn.Module, example: Tensor) -> bytes | None:
        """The graph for `model`, of a wider one; None where it would not compute what `model` does.

        Converting takes seconds for each architecture, and every channel-pruned model is one.
        """


AnyConverter = Converter | Refines | SharesGraph


@dataclass(frozen=True, kw_only=True)
class FileTensor:
    """Tensor that a file takes or gives, as the file itself says; sizes by name are free.

    Real numbers are `scale * (integer - zero_point)` where it holds integers (Jacob 2018, eq. 1).
    """

    name: str
    shape: tuple[int | str, ...]
    type: str
    scale: float | None = None
    zero_point: int | None = None


@runtime_checkable
class DescribesTensors(Protocol):
    """A converter that reads out of its files what they take and give, for who deploys them."""

    def tensors(self, file: bytes) -> tuple[Sequence[FileTensor], Sequence[FileTensor]]:
        """Inputs and outputs, in their order."""


@runtime_checkable
class LoadsFile(Protocol):
    """A backend that loads a file, which another process may have made.

    The core keeps the files, counts their bytes as the model's size and exports them as they are; one
    that serves any batch size is loaded once in a process.
    """

    @property
    def converter(self) -> AnyConverter:
        """What makes the file."""

    def load(self, file: bytes) -> Run:
        """Load the file, untimed; use as many threads as `torch.get_num_threads()` says."""
