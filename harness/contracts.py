"""What a plugin must be: protocols for behaviour, frozen records for data.

Every protocol is as small as its job allows. What only some plugins can do is a protocol of its
own (`Configurable`, `SharesGraph`, `Augments`), looked for with `isinstance`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn
    from torch.utils.data import Dataset as TorchDataset

Scores = Mapping[str, "Tensor"]
"""Parameter name to scores: shaped like the weight, or `(out,)`, one per output channel."""

Run = Callable[["Tensor"], "Tensor"]
"""One inference: a batch in, the outputs back when they are ready. The core times this call."""

Granularity = Literal["weight", "channel"]
Scope = Literal["global", "local"]
Part = Literal["train", "test"]

GRANULARITIES: tuple[Granularity, ...] = ("weight", "channel")


class Evidence(Protocol):
    """What a criterion may look at; each part is computed when first touched, and is a copy.

    The row records which parts were touched, so that a reader sees which methods needed data.
    """

    granularity: Granularity

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """Prunable weights by parameter name; at `channel`, the scales of norms besides."""

    @property
    def gradients(self) -> Mapping[str, Tensor]:
        """Gradients of the mean calibration loss, in evaluation mode, for each of `weights`."""

    @property
    def batch_gradients(self) -> Iterator[Mapping[str, Tensor]]:
        """`gradients`, one calibration batch at a time."""

    @property
    def norm_scales(self) -> Mapping[str, Tensor]:
        """`(out,)` scales of the norm that directly follows each weight, by the weight's name."""

    def coupled_sums(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """`(out,)` sums of weight-shaped values over all slices that leave with each channel.

        For criteria that do something to a whole group's sum, as squaring it; at `channel` only.
        """

    @property
    def batches(self) -> Sequence[tuple[Tensor, Tensor]]:
        """The calibration batches, images and labels, the same for every criterion."""

    @property
    def model(self) -> nn.Module:
        """A copy of the model in evaluation mode, for what the other parts do not offer."""

    @property
    def generator(self) -> Generator:
        """The only randomness a criterion may use; seeded by the trial."""


@runtime_checkable
class Pruner(Protocol):
    """Scores weights or channels; the core does everything else."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    def score(self, evidence: Evidence) -> Scores:
        """Score every prunable weight; higher = keep.

        Weight-shaped scores are summed per channel and averaged over the coupled layers where
        channels are pruned (Fang 2023); scores shaped `(out,)` speak for the producing layers.
        """


@runtime_checkable
class PrunesOnly(Protocol):
    """A pruner that is defined at some granularities only; cells at others are skipped."""

    @property
    def granularities(self) -> Collection[Granularity]:
        """Where the method is defined."""


@runtime_checkable
class Scoped(Protocol):
    """A pruner whose publication does not compare scores over the whole network."""

    @property
    def scopes(self) -> Mapping[Granularity, Scope]:
        """The published comparison group at each granularity; global where none is given."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """Prune to `sparsity`, then fine-tune for `share` of the trial's fine-tuning epochs."""

    sparsity: float
    share: float


@runtime_checkable
class Schedule(Protocol):
    """Says in which rounds a sparsity is reached, as data."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    def rounds(self, target: float) -> Sequence[Round]:
        """Rounds of rising sparsity, the last at `target`; shares add up to 1.

        Levels whose sequences begin alike share that work, so keep early rounds independent of
        the target where the method allows it.
        """


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
class Preloads(Protocol):
    """A dataset whose libraries are slow to import; worker processes start with them in memory."""

    @property
    def preloads(self) -> Sequence[str]:
        """Module names."""
