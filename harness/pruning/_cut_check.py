"""Pruning validation: channels are cut from a copy and compared with a twin where they are zero."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from harness.pruning._channel_groups import ChannelGroup

    Removals = Sequence[tuple[ChannelGroup, Tensor]]
    Remove = Callable[[nn.Module, Removals], object]

TOLERANCE = 1e-3
"""Largest difference of outputs, as a fraction of the largest output."""


def removable_groups(
    model: nn.Module, example: Tensor, groups: Sequence[ChannelGroup], remove: Remove
) -> list[ChannelGroup]:
    """Removable groups: `remove` can cut half of the channels, and the model computes what it should.

    A norm over features sees fewer of them, so that there only the first can be checked. All are
    tried at once, and halved where they fail.
    """
    modules = dict(model.named_modules())
    roots: set[str] = set()
    for normed in (False, True):
        candidates = [group for group in groups if _changes_a_norm(group, modules) == normed]
        removable = _largest_removable(model, example, candidates, remove, twin=not normed)
        roots |= {group.root for group in removable}
    return [group for group in groups if group.root in roots]


def _changes_a_norm(group: ChannelGroup, modules: dict[str, nn.Module]) -> bool:
    norms = [modules[m.parameter.removesuffix(".weight")] for m in group.members if m.norm]
    return any(not isinstance(norm, nn.modules.batchnorm._BatchNorm) for norm in norms)


def _largest_removable(
    model: nn.Module,
    example: Tensor,
    groups: Sequence[ChannelGroup],
    remove: Remove,
    *,
    twin: bool,
) -> list[ChannelGroup]:
    if not groups or _computes_the_same(model, example, groups, remove, twin=twin):
        return list(groups)
    if len(groups) == 1:
        return []
    half = len(groups) // 2
    halves = (groups[:half], groups[half:])
    return [
        group
        for groups_half in halves
        for group in _largest_removable(model, example, groups_half, remove, twin=twin)
    ]


def _computes_the_same(
    model: nn.Module,
    example: Tensor,
    groups: Sequence[ChannelGroup],
    remove: Remove,
    *,
    twin: bool,
) -> bool:
    removals = [(group, _half_mask(group.size)) for group in groups]
    smaller = copy.deepcopy(model).eval()
    try:
        remove(smaller, removals)
        with torch.no_grad():
            outputs = smaller(example)
    except Exception:
        # Whatever a stranger's model raises, it means that these channels cannot leave.
        return False
    expected = _outputs_with_zeros(model, example, removals)
    if outputs.shape != expected.shape:
        return False
    largest = float(expected.abs().max())
    return not twin or torch.allclose(outputs, expected, rtol=0.0, atol=TOLERANCE * max(largest, 1e-6))


def _half_mask(size: int) -> Tensor:
    """A keep mask without a pattern, since channels may be bound to others at any distance."""
    order = torch.randperm(size, generator=torch.Generator().manual_seed(size))
    return order < max(1, size // 2)


def _outputs_with_zeros(model: nn.Module, example: Tensor, removals: Removals) -> Tensor:
    """Outputs of the twin, in which every consumer of a channel that leaves reads zero."""
    masked = copy.deepcopy(model).eval()
    parameters = dict(masked.named_parameters())
    with torch.no_grad():
        for group, mask in removals:
            for member in group.consumers:
                parameters[member.parameter][:, member.index[~mask[member.root]]] = 0.0
        outputs: Tensor = masked(example)
        return outputs
