"""What layers read while a model looks at images: norms, moments, and who reads which channel."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from harness.contracts.evidence import Reader
from harness.errors import UnsupportedError
from harness.pruning.layers import channels_second, layers_of, prunable_weights, watching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from harness.contracts.evidence import Batches
    from harness.pruning.channel_groups import ChannelGroup

MAX_NUMBERS = 2**24
"""Of unfolded inputs that are held at once, those of one image at least."""


def input_norms(model: nn.Module, batches: Batches) -> dict[str, Tensor]:
    """By weight name, the L2 norm of the input that each weight multiplies, over images and positions.

    Shaped to broadcast to the weight; inputs beyond a convolution's edge count as any other.
    """
    weights, squares = prunable_weights(model), dict[str, "Tensor"]()

    def see(name: str, layer: nn.Module, given: Tensor, _: Tensor) -> None:
        seen = channels_second(layer, given)
        others = [dim for dim in range(seen.dim()) if dim != 1]
        squares[name] = squares.get(name, 0.0) + seen.double().square().sum(others)

    with watching(layers_of(model), see), torch.no_grad():
        for images, _ in batches:
            model(images)
    return {name: _like_weight(weights[name], square.sqrt()) for name, square in squares.items()}


def _like_weight(weight: Tensor, by_input: Tensor) -> Tensor:
    """`(inputs,)` arranged as the weight reads them, group by group."""
    rows = by_input.view(-1, weight.shape[1])
    if len(rows) > 1:
        rows = rows.repeat_interleave(len(weight) // len(rows), dim=0)
    return rows.view(*rows.shape, *(1 for _ in weight.shape[2:])).to(weight.dtype)


def input_moments(model: nn.Module, batches: Batches) -> dict[str, Tensor]:
    """`(groups, in, in)` mean over images and positions of x xT, x being what a row of weights reads.

    Raises UnsupportedError where a convolution is not of two dimensions.
    """
    totals: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()

    def see(name: str, layer: nn.Module, given: Tensor, _: Tensor) -> None:
        images = max(1, MAX_NUMBERS // unfolded(layer, given[:1]).numel())
        for part in given.split(images):
            seen = unfolded(layer, part).permute(1, 2, 0, 3).flatten(2)
            groups, inputs, samples = seen.shape
            total = totals.setdefault(name, seen.new_zeros(groups, inputs, inputs))
            total.baddbmm_(seen, seen.mT)
            counts[name] += samples

    with watching(layers_of(model), see), torch.no_grad():
        for images, _ in batches:
            model(images)
    return {name: total.div_(counts[name]) for name, total in totals.items()}


def inverse_moments(moments: Tensor, *, damping: float) -> Tensor:
    """`(groups, in, in)` inverse, a fraction of the mean diagonal added to the diagonal.

    Inputs that are always zero count as one (Frantar 2023).
    """
    damped = moments.clone()
    diagonal = damped.diagonal(dim1=-2, dim2=-1)
    diagonal.copy_(torch.where(diagonal > 0, diagonal, diagonal.new_ones(())))
    diagonal += damping * diagonal.mean(-1, keepdim=True)
    inverse: Tensor = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    return inverse


def unfolded(layer: nn.Module, given: Tensor) -> Tensor:
    """`(images, groups, in, positions)`: what each row of the layer's weights reads."""
    if isinstance(layer, nn.Linear):
        return (
            given.flatten(1, -2).movedim(-1, 1)[:, None] if given.dim() > 2 else given[:, None, :, None]
        )
    if not isinstance(layer, nn.Conv2d):
        raise UnsupportedError(f"the inputs of {type(layer).__name__} cannot be unfolded")
    padding: Any = layer.padding
    if isinstance(padding, str):
        given, padding = F.pad(given, layer._reversed_padding_repeated_twice), 0
    patches = F.unfold(
        given, layer.kernel_size, dilation=layer.dilation, padding=padding, stride=layer.stride
    )
    rows: Tensor = patches.unflatten(1, (layer.groups, -1))
    return rows


SAMPLES = 10
"""Outputs that are looked at in each image (Luo 2017, sec. 4)."""

IMAGES = 8
"""Whose unfolded inputs are held at once, and for which samples are drawn together."""


def sole_readers(groups: Sequence[ChannelGroup], model: nn.Module) -> dict[str, Reader]:
    """By weight name, for each layer whose channels one ungrouped layer alone reads."""
    layers, found = layers_of(model), {}
    for group in groups:
        readers = [m for m in group.consumers if int(getattr(layers[m.parameter], "groups", 1)) == 1]
        if len(group.consumers) == 1 == len(readers):
            [reader] = readers
            for producer in group.producers:
                own = torch.full((group.size,), -1)
                own[producer.root] = producer.index
                found[producer.parameter] = Reader(
                    weight=reader.parameter, index=reader.index, channel=own[reader.root]
                )
    return found


def contributions(
    model: nn.Module, readers: Mapping[str, Reader], batches: Batches, *, seed: int
) -> dict[str, Tensor]:
    """`(samples, out)` by weight name: what each channel adds to sampled outputs of its reader."""
    wanted = {reader.weight for reader in readers.values()}
    weights = prunable_weights(model)
    sampled: dict[str, list[Tensor]] = {name: [] for name in wanted}
    generator = torch.Generator().manual_seed(seed)

    def see(name: str, layer: nn.Module, given: Tensor, _: Tensor) -> None:
        for part in given.split(IMAGES):
            seen = unfolded(layer, part)[:, 0].movedim(1, 2)
            sampled[name].append(_sampled_products(weights[name], seen, generator))

    with watching({n: m for n, m in layers_of(model).items() if n in wanted}, see), torch.no_grad():
        for images, _ in batches:
            model(images)
    return {
        name: _by_channel(torch.cat(sampled[reader.weight]), reader, len(weights[name]))
        for name, reader in readers.items()
    }


def _sampled_products(weight: Tensor, seen: Tensor, generator: torch.Generator) -> Tensor:
    """`(samples, inputs)`: what each input adds to an output at a position, both drawn.

    `seen` is `(images, positions, in)`.
    """
    images, positions, _ = seen.shape
    at = torch.randint(positions, (images, SAMPLES), generator=generator)
    out = torch.randint(len(weight), (images, SAMPLES), generator=generator)
    products = seen[torch.arange(images)[:, None], at] * weight.flatten(1)[out]
    by_input: Tensor = products.flatten(0, 1).unflatten(1, (weight.shape[1], -1)).sum(-1)
    return by_input


def _by_channel(products: Tensor, reader: Reader, out: int) -> Tensor:
    found = torch.zeros(len(products), out, dtype=torch.float64)
    return found.index_add_(1, reader.channel, products[:, reader.index].double())
