"""What a level is a fraction of: parameters, or the multiply-accumulates that they are used in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from harness.activations import layers_of, watching
from harness.layers import prunable_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn


def weight_costs(
    model: nn.Module, example: Tensor, *, counted: Literal["params", "macs"]
) -> dict[str, float]:
    """By weight name, what one of its numbers costs: 1, or how often an image multiplies by it."""
    if counted == "params":
        return dict.fromkeys(prunable_weights(model), 1.0)
    costs = dict.fromkeys(prunable_weights(model), 0.0)

    def see(name: str, layer: nn.Module, _: Tensor, output: Tensor) -> None:
        costs[name] += output.numel() / len(layer.weight) / len(example)  # type: ignore[arg-type]  # a layer's is a tensor

    with watching(layers_of(model), see), torch.no_grad():
        model(example)
    return costs


def whole_cost(shapes: Mapping[str, torch.Size], costs: Mapping[str, float]) -> float:
    """Of all of a model's prunable weights."""
    return sum(shape.numel() * costs[name] for name, shape in shapes.items())


def masked_cost(masks: Mapping[str, Tensor], whole: float, costs: Mapping[str, float]) -> float:
    """Of what keep masks leave of `whole`."""
    return whole - sum(float((~keep).sum()) * costs[name] for name, keep in masks.items())
