"""Layer inputs while a model runs on images: norms, moments, and the consumers of channels."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from harness.contracts.evidence import Reader
from harness.errors import UnsupportedError
from harness.networks.layers import channels_second, forward_hooks, layers_of, prunable_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from harness.contracts.evidence import Batches
    from harness.networks.channel_groups import ChannelGroup

MAX_UNFOLDED_NUMBERS = 2**24
"""Most numbers of unfolded inputs that are held at once, those of one image at least."""


def input_norms(model: nn.Module, batches: Batches) -> dict[str, Tensor]:
    """Input norms by weight name: L2 of what each weight multiplies, over images and positions.

    Shaped to broadcast to the weight; inputs beyond a convolution's edge count as any other.
    """
    weights, squares = prunable_weights(model), dict[str, "Tensor"]()

    def record(name: str, layer: nn.Module, inputs: Tensor, _: Tensor) -> None:
        by_channel = channels_second(layer, inputs)
        dims = [dim for dim in range(by_channel.dim()) if dim != 1]
        squares[name] = squares.get(name, 0.0) + by_channel.double().square().sum(dims)

    with forward_hooks(layers_of(model), record), torch.no_grad():
        for images, _ in batches:
            model(images)
    return {name: _like_weight(weights[name], square.sqrt()) for name, square in squares.items()}


def _like_weight(weight: Tensor, by_input: Tensor) -> Tensor:
    """Values `(inputs,)` arranged as the weight reads them, group by group."""
    by_group = by_input.view(-1, weight.shape[1])
    if len(by_group) > 1:
        by_group = by_group.repeat_interleave(len(weight) // len(by_group), dim=0)
    return by_group.view(*by_group.shape, *(1 for _ in weight.shape[2:])).to(weight.dtype)


def input_moments(model: nn.Module, batches: Batches) -> dict[str, Tensor]:
    """Input moments `(groups, in, in)`: mean over images and positions of x xT, x an output's inputs.

    Raises UnsupportedError where a convolution is not of two dimensions.
    """
    totals: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()

    def record(name: str, layer: nn.Module, batch: Tensor, _: Tensor) -> None:
        images = max(1, MAX_UNFOLDED_NUMBERS // unfolded_inputs(layer, batch[:1]).numel())
        for chunk in batch.split(images):
            unfolded = unfolded_inputs(layer, chunk).permute(1, 2, 0, 3).flatten(2)
            groups, inputs, samples = unfolded.shape
            total = totals.setdefault(name, unfolded.new_zeros(groups, inputs, inputs))
            total.baddbmm_(unfolded, unfolded.mT)
            counts[name] += samples

    with forward_hooks(layers_of(model), record), torch.no_grad():
        for images, _ in batches:
            model(images)
    return {name: total.div_(counts[name]) for name, total in totals.items()}


def inverse_moments(moments: Tensor, *, damping: float) -> Tensor:
    """Inverse moments `(groups, in, in)`, a fraction of the mean diagonal added to the diagonal.

    Inputs that are always zero count as one (Frantar 2023).
    """
    damped = moments.clone()
    diagonal = damped.diagonal(dim1=-2, dim2=-1)
    diagonal.copy_(torch.where(diagonal > 0, diagonal, diagonal.new_ones(())))
    diagonal += damping * diagonal.mean(-1, keepdim=True)
    inverse: Tensor = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    return inverse


def unfolded_inputs(layer: nn.Module, inputs: Tensor) -> Tensor:
    """Unfolded inputs `(images, groups, in, positions)`: what each output of the layer reads."""
    if isinstance(layer, nn.Linear):
        return (
            inputs.flatten(1, -2).movedim(-1, 1)[:, None]
            if inputs.dim() > 2
            else inputs[:, None, :, None]
        )
    if not isinstance(layer, nn.Conv2d):
        raise UnsupportedError(f"the inputs of {type(layer).__name__} cannot be unfolded")
    padding: Any = layer.padding
    if isinstance(padding, str):
        inputs, padding = F.pad(inputs, layer._reversed_padding_repeated_twice), 0
    patches = F.unfold(
        inputs, layer.kernel_size, dilation=layer.dilation, padding=padding, stride=layer.stride
    )
    by_output: Tensor = patches.unflatten(1, (layer.groups, -1))
    return by_output


SAMPLES_PER_IMAGE = 10
"""Outputs sampled in each image (Luo 2017, sec. 4)."""

CHUNK_IMAGES = 8
"""Images whose unfolded inputs are held at once, and for which samples are drawn together."""


def sole_consumers(groups: Sequence[ChannelGroup], model: nn.Module) -> dict[str, Reader]:
    """Sole consumers by weight name: the one ungrouped layer that reads a layer's channels."""
    layers, consumers = layers_of(model), {}
    for group in groups:
        ungrouped = [
            member
            for member in group.consumers
            if int(getattr(layers[member.parameter], "groups", 1)) == 1
        ]
        if len(group.consumers) == 1 == len(ungrouped):
            [reader] = ungrouped
            for producer in group.producers:
                channel_of_root = torch.full((group.size,), -1)
                channel_of_root[producer.root] = producer.index
                consumers[producer.parameter] = Reader(
                    weight=reader.parameter, index=reader.index, channel=channel_of_root[reader.root]
                )
    return consumers


def contributions(
    model: nn.Module, readers: Mapping[str, Reader], batches: Batches, *, seed: int
) -> dict[str, Tensor]:
    """Contributions `(samples, out)` by weight name: what a channel adds to its consumer's outputs."""
    consumers = {reader.weight for reader in readers.values()}
    weights = prunable_weights(model)
    sampled: dict[str, list[Tensor]] = {name: [] for name in consumers}
    generator = torch.Generator().manual_seed(seed)

    def record(name: str, layer: nn.Module, inputs: Tensor, _: Tensor) -> None:
        for chunk in inputs.split(CHUNK_IMAGES):
            unfolded = unfolded_inputs(layer, chunk)[:, 0].movedim(1, 2)
            sampled[name].append(_sampled_products(weights[name], unfolded, generator))

    with (
        forward_hooks({n: m for n, m in layers_of(model).items() if n in consumers}, record),
        torch.no_grad(),
    ):
        for images, _ in batches:
            model(images)
    return {
        name: _sum_by_channel(torch.cat(sampled[reader.weight]), reader, len(weights[name]))
        for name, reader in readers.items()
    }


def _sampled_products(weight: Tensor, unfolded: Tensor, generator: torch.Generator) -> Tensor:
    """Sampled products `(samples, inputs)`: what each input adds to an output, both drawn.

    `unfolded` is `(images, positions, in)`.
    """
    images, positions, _ = unfolded.shape
    position = torch.randint(positions, (images, SAMPLES_PER_IMAGE), generator=generator)
    out = torch.randint(len(weight), (images, SAMPLES_PER_IMAGE), generator=generator)
    products = unfolded[torch.arange(images)[:, None], position] * weight.flatten(1)[out]
    by_input: Tensor = products.flatten(0, 1).unflatten(1, (weight.shape[1], -1)).sum(-1)
    return by_input


def _sum_by_channel(products: Tensor, reader: Reader, out: int) -> Tensor:
    sums = torch.zeros(len(products), out, dtype=torch.float64)
    return sums.index_add_(1, reader.channel, products[:, reader.index].double())
