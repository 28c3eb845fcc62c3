"""Which layer reads another's channels, and what each channel contributes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.contracts.evidence import Reader
from harness.pruning.activations import watching
from harness.pruning.layer_inputs import unfolded
from harness.pruning.layers import layers_of, prunable_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from harness.pruning.activations import Batches
    from harness.pruning.channels import ChannelGroup

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
