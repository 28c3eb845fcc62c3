"""Pruning validation: channels are cut from a copy and compared with a twin where they are zero."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING

import torch
from torch import nn

from harness.networks._restricted_norms import restricted_norms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from harness.networks.channel_groups import ChannelGroup, Member

    Removals = Sequence[tuple[ChannelGroup, Tensor]]
    Remove = Callable[[nn.Module, Removals], object]

TOLERANCE = 1e-3
"""Largest difference of outputs, as a fraction of the largest output."""
KEPT = (0.5, 0.2)
"""Fractions of the channels that stay in the cuts that are tried."""
ENOUGH_FAILURES = 3
"""Of groups that are coupled alike, each tried alone: after so many the others of them are not."""


def removable_groups(
    model: nn.Module, example: Tensor, groups: Sequence[ChannelGroup], remove: Remove
) -> list[ChannelGroup]:
    """Removable groups: `remove` can cut some of the channels, and the model computes what it should.

    All are tried at once, and halved where they fail, first with more channels that stay, then what
    is left with fewer; those that norms over features see apart from the others.
    """
    modules = dict(model.named_modules())
    roots: set[str] = set()
    failures: Counter[str] = Counter()
    for normed in (False, True):
        candidates = [group for group in groups if bool(_feature_norms(group, modules)) == normed]
        for kept in KEPT:
            candidates = _largest_removable(model, example, candidates, remove, failures, kept=kept)
        roots |= {group.root for group in candidates}
    return [group for group in groups if group.root in roots]


def _feature_norms(
    group: ChannelGroup, modules: Mapping[str, nn.Module]
) -> list[tuple[nn.Module, Member]]:
    """Norms over features that see the group's channels, which a batch norm does one by one."""
    norms = [(modules[own.parameter.removesuffix(".weight")], own) for own in group.members if own.norm]
    return [(norm, own) for norm, own in norms if not isinstance(norm, nn.modules.batchnorm._BatchNorm)]


def _largest_removable(
    model: nn.Module,
    example: Tensor,
    groups: Sequence[ChannelGroup],
    remove: Remove,
    failures: Counter[str],
    *,
    kept: float,
) -> list[ChannelGroup]:
    groups = [group for group in groups if failures[group.kind] < ENOUGH_FAILURES]
    if not groups or _computes_the_same(model, example, groups, remove, kept=kept):
        return groups
    if len(groups) == 1:
        failures[groups[0].kind] += 1
        return []
    half = len(groups) // 2
    return [
        group
        for candidates in (groups[:half], groups[half:])
        for group in _largest_removable(model, example, candidates, remove, failures, kept=kept)
    ]


def _computes_the_same(
    model: nn.Module,
    example: Tensor,
    groups: Sequence[ChannelGroup],
    remove: Remove,
    *,
    kept: float,
) -> bool:
    removals = [(group, _scattered_mask(group, kept)) for group in groups]
    smaller = copy.deepcopy(model).eval()
    try:
        remove(smaller, removals)
        with torch.no_grad():
            outputs = smaller(example)
        expected = _outputs_with_zeros(model, example, removals)
    except Exception:
        # Whatever a stranger's model raises, or a graph that counts its channels otherwise, it means
        # that these channels cannot leave.
        return False
    if outputs.shape != expected.shape:
        return False
    largest = float(expected.abs().max())
    return torch.allclose(outputs, expected, rtol=0.0, atol=TOLERANCE * max(largest, 1e-6))


def _scattered_mask(group: ChannelGroup, kept: float) -> Tensor:
    """A keep mask without a pattern, since channels may be bound to others at any distance.

    A channel of each layer stays, as where outputs of several are concatenated.
    """
    order = torch.randperm(group.size, generator=torch.Generator().manual_seed(group.size))
    mask = order < max(1, int(group.size * kept))
    for member in group.producers:
        if not bool(mask[member.root].any()):
            mask[member.root[0]] = True
    return mask


def _outputs_with_zeros(model: nn.Module, example: Tensor, removals: Removals) -> Tensor:
    """Outputs of the twin: consumers of a channel that leaves read zero, norms do not see it."""
    masked = copy.deepcopy(model).eval()
    parameters, modules = dict(masked.named_parameters()), dict(masked.named_modules())
    seen: dict[nn.Module, Tensor] = {}
    with torch.no_grad():
        for group, mask in removals:
            for member in group.consumers:
                parameters[member.parameter][:, member.index[~mask[member.root]]] = 0.0
            for norm, member in _feature_norms(group, modules):
                everything = torch.ones(len(parameters[member.parameter]), dtype=torch.bool)
                seen.setdefault(norm, everything)[member.index[~mask[member.root]]] = False
        with restricted_norms(seen):
            outputs: Tensor = masked(example)
        return outputs
