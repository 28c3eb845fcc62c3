"""Evidence: what a criterion may look at, each part computed when it is first touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Generator, Tensor, nn

Batches = Sequence[tuple["Tensor", "Tensor"]]
"""Images and labels, batch by batch."""
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
    def inverse_factors(self) -> Mapping[str, Tensor]:
        """Upper Cholesky factors `(groups, in, in)` of `inverse_moments`."""

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
    def batches(self) -> Batches:
        """The calibration batches, images and labels, the same for every criterion."""

    @property
    def model(self) -> nn.Module:
        """A copy of the model in evaluation mode, for what the other parts do not offer."""

    @property
    def generator(self) -> Generator:
        """The only randomness a criterion may use; seeded by the trial."""


Scores = Mapping[str, "Tensor"]
"""Parameter name to scores: shaped like the weight, or `(out,)`, one per output channel."""
