"""Floor of layers: the least that a model can be pruned to, whatever its scores."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch

from harness.errors import UnsupportedError
from harness.networks.layers import prunable_weights
from harness.networks.surgery import coupled_layers, remove_channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.networks.channel_groups import ChannelGroup
    from harness.pruning.mask_search import PruningBudget


def model_at_floor(model: nn.Module, example: Tensor, budget: PruningBudget) -> nn.Module:
    """Model at its floor: a copy of which all has left that may, channels cut, weights zero.

    Which channels or weights those are says nothing. Raises UnsupportedError where none may leave.
    """
    smallest = copy.deepcopy(model)
    if budget.pattern.scored == "channel":
        _cut_to_floor(smallest, example, budget)
    else:
        _mask_to_floor(smallest, budget)
    return smallest


def fewest_channels(group: ChannelGroup, weights: Mapping[str, Tensor], budget: PruningBudget) -> int:
    """Fewest channels of a group that may stay: the floor is of the dense model's."""
    name = group.producers[0].parameter
    dense = budget.dense_shapes.get(name, weights[name].shape)[0] / len(weights[name])
    return min(group.size, least_channels(round(group.size * dense), budget.floor))


def least_channels(size: int, floor: float) -> int:
    """Fewest channels of a group of that size that may stay: the fraction `floor`, and never none."""
    return max(1, math.ceil(floor * size - 1e-9))


def is_spared(group: ChannelGroup, budget: PruningBudget) -> bool:
    """Whether a layer whose channels the group's are is to stay whole."""
    return any(member.parameter in budget.spared for member in group.producers)


def _cut_to_floor(model: nn.Module, example: Tensor, budget: PruningBudget) -> None:
    weights, multiple = prunable_weights(model), budget.pattern.multiple
    removals = []
    for group in coupled_layers(model, example).groups:
        if not is_spared(group, budget):
            fewest = -(-fewest_channels(group, weights, budget) // multiple) * multiple
            removals.append((group, torch.arange(group.size) < fewest))
    if not removals:
        raise UnsupportedError("--keep and --only let no layer lose channels")
    remove_channels(model, example, removals)


@torch.no_grad()
def _mask_to_floor(model: nn.Module, budget: PruningBudget) -> None:
    for name, weight in prunable_weights(model).items():
        if name not in budget.spared:
            weight.view(-1)[math.ceil(budget.floor * weight.numel()) :] = 0.0
