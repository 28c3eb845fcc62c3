"""Whether channels can leave a model: tried on a copy, against a twin in which they are zero."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from harness.pruning.channel_groups import ChannelGroup

    Removals = Sequence[tuple[ChannelGroup, Tensor]]
    Remove = Callable[[nn.Module, Removals], object]

TOLERANCE = 1e-3
"""Of the largest output."""


def sound_groups(
    model: nn.Module, example: Tensor, groups: Sequence[ChannelGroup], remove: Remove
) -> list[ChannelGroup]:
    """Those of which `remove` can take half of the channels, and the model computes what it should.

    A norm over features sees fewer of them, so that there only the first can be asked for. All are
    tried at once, and halved where they fail.
    """
    modules = dict(model.named_modules())
    sound: set[str] = set()
    for normed in (False, True):
        alike = [group for group in groups if _changes_a_norm(group, modules) == normed]
        found = _largest_sound(model, example, alike, remove, twin=not normed)
        sound |= {group.root for group in found}
    return [group for group in groups if group.root in sound]


def _changes_a_norm(group: ChannelGroup, modules: dict[str, nn.Module]) -> bool:
    norms = [modules[m.parameter.removesuffix(".weight")] for m in group.members if m.norm]
    return any(not isinstance(norm, nn.modules.batchnorm._BatchNorm) for norm in norms)


def _largest_sound(
    model: nn.Module,
    example: Tensor,
    groups: Sequence[ChannelGroup],
    remove: Remove,
    *,
    twin: bool,
) -> list[ChannelGroup]:
    if not groups or _is_sound(model, example, groups, remove, twin=twin):
        return list(groups)
    if len(groups) == 1:
        return []
    half = len(groups) // 2
    parts = (groups[:half], groups[half:])
    return [g for part in parts for g in _largest_sound(model, example, part, remove, twin=twin)]


def _is_sound(
    model: nn.Module,
    example: Tensor,
    groups: Sequence[ChannelGroup],
    remove: Remove,
    *,
    twin: bool,
) -> bool:
    removals = [(group, _half(group.size)) for group in groups]
    smaller = copy.deepcopy(model).eval()
    try:
        remove(smaller, removals)
        with torch.no_grad():
            found = smaller(example)
    except Exception:
        # Whatever a stranger's model raises, it means that these channels cannot leave.
        return False
    wanted = _twins_outputs(model, example, removals)
    if found.shape != wanted.shape:
        return False
    largest = float(wanted.abs().max())
    return not twin or torch.allclose(found, wanted, rtol=0.0, atol=TOLERANCE * max(largest, 1e-6))


def _half(size: int) -> Tensor:
    """A keep mask without a pattern, since channels may be bound to others at any distance."""
    order = torch.randperm(size, generator=torch.Generator().manual_seed(size))
    return order < max(1, size // 2)


def _twins_outputs(model: nn.Module, example: Tensor, removals: Removals) -> Tensor:
    """Outputs where all that reads a channel that leaves reads zero."""
    masked = copy.deepcopy(model).eval()
    parameters = dict(masked.named_parameters())
    with torch.no_grad():
        for group, mask in removals:
            for member in group.consumers:
                parameters[member.parameter][:, member.index[~mask[member.root]]] = 0.0
        outputs: Tensor = masked(example)
        return outputs
