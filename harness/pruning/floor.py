"""Floor of layers: the least that a model can be pruned to, whatever its scores."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch

from harness.errors import UnsupportedError
from harness.networks.layers import prunable_weights
from harness.networks.surgery import coupled_layers, remove_channels
from harness.pruning._channel_selection import Floor, lowest_channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.networks.channel_groups import ChannelGroup, CoupledLayers
    from harness.pruning.mask_search import PruningBudget


def model_at_floor(
    model: nn.Module,
    example: Tensor,
    budget: PruningBudget,
    *,
    coupled: CoupledLayers | None = None,
) -> nn.Module:
    """Model at its floor: a copy of which all has left that may, channels cut, weights zero.

    Which channels or weights those are says nothing. Where layers are `coupled` is traced unless it is
    known. Raises UnsupportedError where none may leave.
    """
    smallest = copy.deepcopy(model)
    if budget.pattern.scored == "channel":
        _cut_to_floor(smallest, example, budget, coupled or coupled_layers(model, example))
    else:
        _mask_to_floor(smallest, budget)
    return smallest


def floors_of(group: ChannelGroup, weights: Mapping[str, Tensor], budget: PruningBudget) -> list[Floor]:
    """Floors of a group, one for each layer that makes channels of it: of what the dense layer has.

    A layer that makes a part of them, as where outputs are concatenated, would be empty otherwise.
    """
    floors = []
    for member in group.producers:
        channels = member.root.unique()
        now = len(weights[member.parameter])
        dense = budget.dense_shapes.get(member.parameter, weights[member.parameter].shape)[0]
        fewest = least_channels(round(len(channels) * dense / now), budget.floor)
        floors.append(Floor(channels=channels, count=min(len(channels), fewest)))
    return floors


def least_channels(size: int, floor: float) -> int:
    """Fewest channels of a group of that size that may stay: the fraction `floor`, and never none."""
    return max(1, math.ceil(floor * size - 1e-9))


def is_spared(group: ChannelGroup, budget: PruningBudget) -> bool:
    """Whether a layer whose channels the group's are is to stay whole."""
    return any(member.parameter in budget.spared for member in group.producers)


def _cut_to_floor(
    model: nn.Module, example: Tensor, budget: PruningBudget, coupled: CoupledLayers
) -> None:
    weights = prunable_weights(model)
    groups = [own for own in coupled.groups if not is_spared(own, budget)]
    if not groups:
        raise UnsupportedError("--keep and --only let no layer lose channels")
    alike = [torch.zeros(group.size) for group in groups]
    floors = [floors_of(group, weights, budget) for group in groups]
    count = sum(group.size for group in groups)
    keep = lowest_channels(alike, count, multiple=budget.pattern.multiple, floors=floors)
    remove_channels(model, example, list(zip(groups, keep.masks, strict=True)))


@torch.no_grad()
def _mask_to_floor(model: nn.Module, budget: PruningBudget) -> None:
    for name, weight in prunable_weights(model).items():
        if name not in budget.spared:
            weight.view(-1)[math.ceil(budget.floor * weight.numel()) :] = 0.0
