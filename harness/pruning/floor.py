"""Floor of layers: the least that a model can be pruned to, whatever its scores."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch

from harness.errors import UnsupportedError
from harness.networks.layers import prunable_weights
from harness.networks.surgery import coupled_layers, remove_channels
from harness.pruning._channel_selection import lowest_channels
from harness.pruning._floors import floors_of, is_spared

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.networks.channel_groups import CoupledLayers
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


def _cut_to_floor(
    model: nn.Module, example: Tensor, budget: PruningBudget, coupled: CoupledLayers
) -> None:
    weights = prunable_weights(model)
    groups = [own for own in coupled.groups if not is_spared(own, budget.spared)]
    if not groups:
        raise UnsupportedError("--keep and --only let no layer lose channels")
    alike = [torch.zeros(group.size) for group in groups]
    floors = [
        floors_of(group, weights, floor=budget.floor, dense_shapes=budget.dense_shapes)
        for group in groups
    ]
    count = sum(group.size for group in groups)
    keep = lowest_channels(alike, count, multiple=budget.pattern.multiple, floors=floors)
    removals = list(zip(groups, keep.masks, strict=True))
    remove_channels(model, example, removals, traced=coupled.traced)


@torch.no_grad()
def _mask_to_floor(model: nn.Module, budget: PruningBudget) -> None:
    for name, weight in prunable_weights(model).items():
        if name not in budget.spared:
            weight.view(-1)[math.ceil(budget.floor * weight.numel()) :] = 0.0
