"""Pruners: what a criterion may look at, and what it may be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

Scores = Mapping[str, "Tensor"]
"""Parameter name to scores: shaped like the weight, or `(out,)`, one per output channel."""

Granularity = Literal["weight", "channel"]
"""What a criterion scores: patterns as 2:4 and blocks are made of the scores of weights."""
Scope = Literal["global", "local", "row", "erk", "isomorphic"]
"""Which scores compare: over the network, a layer, an output row; `erk` and `isomorphic` say how much
each layer, or each kind of coupled layers, loses."""

GRANULARITIES: tuple[Granularity, ...] = ("weight", "channel")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who reads a layer's channels: input slice `index[i]` of `weight` carries channel `channel[i]`."""

    weight: str
    index: Tensor
    channel: Tensor


class Evidence(Protocol):
    """What a criterion may look at; each part is computed when first touched, and is a copy.

    The row records which parts were touched, so that a reader sees which methods needed data.
    """

    granularity: Granularity
    image_shape: tuple[int, int, int]
    """Channels, height and width of one image."""

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
    def squared_gradients(self) -> Mapping[str, Tensor]:
        """Mean over images of the squared gradient of each image's own loss (empirical Fisher)."""

    @property
    def gate_gradients(self) -> Iterator[Mapping[str, Tensor]]:
        """`(out,)` gradients for a gate of one on each channel after its norm, batch by batch."""

    @property
    def activations(self) -> Iterator[Mapping[str, Tensor]]:
        """`(images, out, positions...)` by weight name, after norm and activation, batch by batch."""

    @property
    def activation_gradients(self) -> Iterator[Mapping[str, Tensor]]:
        """Gradients of each image's own loss, in step with `activations`."""

    @property
    def input_norms(self) -> Mapping[str, Tensor]:
        """L2 norm over images and positions of what each weight multiplies, to broadcast to it."""

    @property
    def input_moments(self) -> Mapping[str, Tensor]:
        """`(groups, in, in)` means of x xT over images and positions, x being what a row reads."""

    @property
    def inverse_moments(self) -> Mapping[str, Tensor]:
        """Inverses of `input_moments`, 1 % of the mean diagonal added first (Frantar 2023)."""

    @property
    def readers(self) -> Mapping[str, Reader]:
        """By weight name, for each layer whose channels one ungrouped layer alone reads."""

    @property
    def contributions(self) -> Mapping[str, Tensor]:
        """`(samples, out)` for each of `readers`: what each channel adds to outputs read from it."""

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


@runtime_checkable
class Rewrites(Protocol):
    """A pruner that also changes the weights that stay."""

    def rewrite(self, evidence: Evidence, keep: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """New weights by name, whole ones, from which the core then removes what `keep` drops.

        `keep` is bool: shaped like each weight, or `(out,)` where channels are removed.
        """


@runtime_checkable
class MakesMasks(Protocol):
    """A pruner that chooses single weights itself, whatever their scores."""

    def masks(self, evidence: Evidence, sparsity: float) -> Mapping[str, Tensor]:
        """Keep masks (bool) by weight name; what was removed before stays removed."""


@runtime_checkable
class Steps(Protocol):
    """A pruner that scores anew in each of `steps` exponential steps, with no training between."""

    @property
    def steps(self) -> int:
        """How many; the density falls by the same factor in each."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model in training, as a penalty sees it; tensors are live, so that gradients flow.

    `norm_scales` are `(out,)` by the weight's name; `keep` says what the criterion would keep of the
    model that this training started from, bool as in `Rewrites`. `progress` rises from 0 to 1.
    """

    weights: Mapping[str, Tensor]
    norm_scales: Mapping[str, Tensor]
    keep: Mapping[str, Tensor]
    progress: float


@runtime_checkable
class Penalises(Protocol):
    """A pruner that first trains the model towards sparsity, in epochs that count as any others."""

    @property
    def penalty_share(self) -> float:
        """Which part of each round's epochs is trained with the penalty, before pruning."""

    @property
    def scores_after(self) -> bool:
        """Whether scores are those of the penalised model; else what the penalty saw leaves."""

    def penalty(self, trained: Trained) -> Tensor:
        """A scalar that is added to each batch's loss."""
