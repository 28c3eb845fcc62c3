"""Converters: files that serve the batch sizes, twins and narrower models that they are made for."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Protocol

import torch

from harness.contracts.converters import (
    Converter,
    DescribesTensors,
    Format,
    Narrows,
    Refines,
    SharesGraph,
)
from harness.conversion.export import convert
from harness.networks.surgery import coupled_layers, remove_channels
from harness.testing.abilities import recognised_abilities
from harness.testing.requirements import require

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contracts.converters import AnyConverter


class Computes(Protocol):
    """Raises AssertionError where a file, loaded, does not compute what the network does."""

    def __call__(self, file: bytes, network: nn.Module, images: Tensor) -> None:
        """Of a batch as large as the file is made for."""


def check_format(converter: AnyConverter, *, of: str) -> None:
    """A converter has one way of making files, and facts that tell them apart."""
    name = f"the converter of {of}"
    recognised = recognised_abilities(converter, Format, name=name)
    ways = [way for way in (Converter, Refines, SharesGraph) if way in recognised]
    require(
        len(ways) == 1, f"{name}: must make files by one of `convert`, `refine`, `export` and `fill`"
    )
    require(converter.suffix.startswith("."), f"{name}: its suffix must begin with a dot, as .onnx")
    require(bool(converter.name and converter.version), f"{name}: must name its format and versions")
    if isinstance(converter, Refines):
        check_format(converter.source, of=f"{of}'s source")


def check_conversion(
    converter: Converter | Refines, network: nn.Module, images: Tensor, *, computes: Computes
) -> bytes:
    """A file for each of two batch sizes; that for one image is handed back."""
    files = {batch: convert(converter, network, images[:batch]) for batch in {1, len(images)}}
    for batch, file in files.items():
        computes(file, network, images[:batch])
    return files[1]


def check_graph(
    converter: SharesGraph, network: nn.Module, images: Tensor, *, computes: Computes
) -> bytes:
    """One graph serves twins with other weights, any batch size and, where it says so, narrower models.

    The network's own file is handed back.
    """
    graph = converter.export(network, images[:1])
    twin = copy.deepcopy(network)
    for parameter in twin.parameters():
        parameter.mul_(0.5)
    own = converter.fill(graph, network)
    computes(own, network, images)
    for batch in {1, len(images)}:
        computes(converter.fill(graph, twin), twin, images[:batch])
    if isinstance(converter, Narrows):
        narrow = narrower(network, images)
        narrowed = converter.narrowed(graph, narrow, images[:1])
        if narrowed is not None:
            computes(converter.fill(narrowed, narrow), narrow, images)
    return own


def check_tensors(converter: AnyConverter, file: bytes, images: Tensor, *, of: str) -> None:
    """What the converter reads out of a file of one image is an image, by whichever layout."""
    if not isinstance(converter, DescribesTensors):
        return
    name = f"the converter of {of}"
    inputs, outputs = converter.tensors(file)
    require(len(inputs) == 1, f"{name}: must have one input, not {len(inputs)}")
    require(len(outputs) == 1, f"{name}: must have one output, not {len(outputs)}")
    channels, height, width = images.shape[1:]
    layouts = [(channels, height, width), (height, width, channels), ()]
    shape = inputs[0].shape
    require(tuple(shape[1:]) in layouts, f"{name}: an input of shape {shape} is no image")
    for tensor in (*inputs, *outputs):
        quantised = "int" in tensor.type
        told = tensor.scale is not None and tensor.zero_point is not None
        require(
            quantised == told,
            f"{name}: {tensor.type} must have both a scale and a zero point, or neither",
        )


def narrower(network: nn.Module, images: Tensor) -> nn.Module:
    """A copy that lost the first of each layer's channels."""
    narrow = copy.deepcopy(network)
    # Gradients are what layers are followed by.
    with torch.enable_grad():
        groups = coupled_layers(network, images).groups
        keep = [torch.arange(group.size) > 0 for group in groups]
        remove_channels(narrow, images, list(zip(groups, keep, strict=True)))
    return narrow
