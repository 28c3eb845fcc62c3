"""Channels that leave together: their scores, and which of them stay within a budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Member:
    """A parameter that loses slices along `dim` (0 outputs, 1 inputs) with its group's channels.

    Slice `index[i]` of the parameter goes when channel `root[i]` of the group goes.
    """

    parameter: str
    dim: int
    index: Tensor
    root: Tensor
    norm: bool = False


@dataclass(frozen=True, kw_only=True)
class ChannelGroup:
    """Channels that leave together because the graph couples their layers.

    Groups of one `kind` are made of the same layers coupled in the same way.
    """

    root: str
    size: int
    members: tuple[Member, ...] = field(repr=False)
    kind: str = field(default="", repr=False)

    @property
    def producers(self) -> list[Member]:
        """Those whose outputs the channels are."""
        return [member for member in self.members if member.dim == 0 and not member.norm]

    @property
    def consumers(self) -> list[Member]:
        """Those whose inputs the channels are."""
        return [member for member in self.members if member.dim == 1]


def coupled_sums(values: Mapping[str, Tensor], groups: Sequence[ChannelGroup]) -> dict[str, Tensor]:
    """`(out,)` by producing layer: weight-shaped values summed over all that leaves with a channel."""
    found: dict[str, Tensor] = {}
    for group in groups:
        total = _sum(values, [m for m in group.members if m.parameter in values], group.size)
        for member in group.producers:
            rows = found.setdefault(member.parameter, total.new_zeros(len(values[member.parameter])))
            rows[member.index] = total[member.root]
    return found


def _sum(scores: Mapping[str, Tensor], members: Sequence[Member], size: int) -> Tensor:
    total = torch.zeros(size, dtype=torch.float64)
    for member in members:
        score = scores[member.parameter].double()
        others = [dim for dim in range(score.dim()) if dim != member.dim]
        per_slice = score.sum(dim=others) if others else score
        total.scatter_add_(0, member.root, per_slice[member.index])
    return total


@dataclass(frozen=True, kw_only=True)
class CoupledLayers:
    """What the graph of one model says: its channel groups, and the norm that follows each layer.

    `excluded` names the weights whose channels cannot leave, the classifier aside.
    """

    groups: tuple[ChannelGroup, ...]
    norm_of: Mapping[str, str]
    excluded: tuple[str, ...]
