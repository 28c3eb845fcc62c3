"""Channel groups: channels that leave together since the graph couples their layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Member:
    """Member of a channel group: a parameter that loses slices along `dim` (0 outputs, 1 inputs).

    Slice `index[i]` of the parameter goes when channel `root[i]` of the group goes.
    """

    parameter: str
    dim: int
    index: Tensor
    root: Tensor
    norm: bool = False


@dataclass(frozen=True, kw_only=True)
class ChannelGroup:
    """Channel group: channels that leave together because the graph couples their layers.

    Groups of one `kind` are made of the same layers coupled in the same way.
    """

    root: str
    size: int
    members: tuple[Member, ...] = field(repr=False)
    kind: str = field(default="", repr=False)

    @property
    def producers(self) -> list[Member]:
        """Producers: members whose outputs the channels are."""
        return [member for member in self.members if member.dim == 0 and not member.norm]

    @property
    def consumers(self) -> list[Member]:
        """Consumers: members whose inputs the channels are."""
        return [member for member in self.members if member.dim == 1]


def coupled_sums(values: Mapping[str, Tensor], groups: Sequence[ChannelGroup]) -> dict[str, Tensor]:
    """Coupled sums `(out,)` by producer: weight-shaped values over all that leaves with a channel."""
    sums: dict[str, Tensor] = {}
    for group in groups:
        total = sum_by_channel(
            values, [member for member in group.members if member.parameter in values], group.size
        )
        for member in group.producers:
            by_output = sums.setdefault(
                member.parameter, total.new_zeros(len(values[member.parameter]))
            )
            by_output[member.index] = total[member.root]
    return sums


def sum_by_channel(scores: Mapping[str, Tensor], members: Sequence[Member], size: int) -> Tensor:
    """Sum `(size,)` of the members' scores for each channel of their group, in double precision."""
    total = torch.zeros(size, dtype=torch.float64)
    for member in members:
        score = scores[member.parameter].double()
        others = [dim for dim in range(score.dim()) if dim != member.dim]
        per_slice = score.sum(dim=others) if others else score
        total.scatter_add_(0, member.root, per_slice[member.index])
    return total


class CutsCopies(Protocol):
    """Ability of a traced model to cut what is shaped as it is, without being traced again."""

    def fits(self, model: nn.Module) -> bool:
        """Whether `model` is shaped as what was traced."""

    def cut(self, model: nn.Module, removals: Iterable[tuple[str, bool, Sequence[int]]]) -> None:
        """Cut outputs or inputs of layers, in place, with all that is coupled to them."""


@dataclass(frozen=True, kw_only=True)
class CoupledLayers:
    """Coupled layers of one model: its channel groups, and the norm that follows each layer.

    `excluded` names the weights whose channels cannot leave, the classifier aside. `traced` cuts copies
    of the model; None where only heads and MLPs can leave.
    """

    groups: tuple[ChannelGroup, ...]
    norm_of: Mapping[str, str]
    excluded: tuple[str, ...]
    traced: CutsCopies | None = field(default=None, compare=False, repr=False)
