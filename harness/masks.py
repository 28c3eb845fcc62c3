"""From scores to what is removed: keep masks of weights and of channels.

Ties break by index, so that a mask has exactly the asked-for number of zeros even where scores are
equal; comparing with a threshold would remove all of a tie or none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from harness.errors import HarnessError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from harness.contracts import Scope, Scores


def keep_all_but(count: int, scores: Tensor) -> Tensor:
    """Mask (bool, shaped like `scores`) that drops the `count` lowest, earlier index first."""
    flat = scores.flatten()
    keep = torch.ones(flat.numel(), dtype=torch.bool)
    if count <= 0:
        return keep.view(scores.shape)
    threshold = flat.kthvalue(count).values
    below = flat < threshold
    ties = (flat == threshold).nonzero().flatten()[: count - int(below.sum())]
    keep[below] = False
    keep[ties] = False
    return keep.view(scores.shape)


def check_finite(scores: Scores) -> None:
    """Raise HarnessError naming the first parameter whose scores hold NaN or infinity."""
    for name, score in scores.items():
        if not bool(torch.isfinite(score).all()):
            raise HarnessError(f"the scores of {name!r} hold NaN or infinity")


def weight_masks(
    scores: Mapping[str, Tensor],
    sparsity: float,
    *,
    scope: Scope,
    removed: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Keep masks with `round(sparsity * n)` zeros over the network or in each layer.

    What `removed` (bool by name) marks was pruned before and goes first, so masks only grow.
    """
    pinned = {
        name: score.masked_fill(removed[name], -torch.inf) if removed and name in removed else score
        for name, score in scores.items()
    }
    if scope == "local":
        return {k: keep_all_but(round(sparsity * s.numel()), s) for k, s in pinned.items()}
    joined = torch.cat([score.flatten() for score in pinned.values()])
    keep = keep_all_but(round(sparsity * joined.numel()), joined)
    parts = keep.split([score.numel() for score in pinned.values()])
    return {k: part.view(s.shape) for (k, s), part in zip(pinned.items(), parts, strict=True)}


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
    """Channels that leave together because the graph couples their layers."""

    root: str
    size: int
    members: tuple[Member, ...] = field(repr=False)

    @property
    def producers(self) -> list[Member]:
        """Those whose outputs the channels are."""
        return [member for member in self.members if member.dim == 0 and not member.norm]


def channel_scores(scores: Scores, group: ChannelGroup) -> tuple[Tensor, str]:
    """`(size,)` scores of a group's channels, and the reduction that made them.

    Weight-shaped scores: summed over each member's slice, averaged over members (group mean of
    DepGraph, Fang 2023). `(out,)` scores: averaged over the producing layers.
    """
    producers = [member for member in group.producers if member.parameter in scores]
    if not producers:
        raise UnsupportedError(f"no scores for the layers coupled to {group.root!r}")
    if all(scores[member.parameter].dim() == 1 for member in producers):
        return _sum(scores, producers, group.size) / len(producers), "producers"
    members = [member for member in group.members if member.parameter in scores]
    return _sum(scores, members, group.size) / len(members), "group"


def coupled_sums(values: Scores, groups: Sequence[ChannelGroup]) -> dict[str, Tensor]:
    """`(out,)` by producing layer: weight-shaped values summed over all that leaves with a channel."""
    found: dict[str, Tensor] = {}
    for group in groups:
        total = _sum(values, [m for m in group.members if m.parameter in values], group.size)
        for member in group.producers:
            rows = found.setdefault(member.parameter, total.new_zeros(len(values[member.parameter])))
            rows[member.index] = total[member.root]
    return found


def _sum(scores: Scores, members: Sequence[Member], size: int) -> Tensor:
    total = torch.zeros(size, dtype=torch.float64)
    for member in members:
        score = scores[member.parameter].double()
        others = [dim for dim in range(score.dim()) if dim != member.dim]
        per_slice = score.sum(dim=others) if others else score
        total.scatter_add_(0, member.root, per_slice[member.index])
    return total


@dataclass(frozen=True, kw_only=True)
class ChannelKeep:
    """Which channels stay in each group, and how many groups were held at their last channel."""

    masks: tuple[Tensor, ...]
    layers_at_one: int


def lowest_channels(scores: Sequence[Tensor], count: int, *, scope: Scope) -> ChannelKeep:
    """Drop the `count` lowest-scored channels over all groups, never a group's last one.

    `local` compares each channel's rank within its group, so that every group loses the same
    fraction.
    """
    ranked = [_rank_fraction(score) if scope == "local" else score for score in scores]
    best = [torch.zeros(s.numel(), dtype=torch.bool) for s in scores]
    for flags, score in zip(best, ranked, strict=True):
        flags[int(score.argmax())] = True
    joined, protected = torch.cat(ranked), torch.cat(best)
    keep = keep_all_but(count, joined.masked_fill(protected, torch.inf))
    freely = keep_all_but(count, joined)
    sizes = [score.numel() for score in scores]
    held = sum(not bool(part.any()) for part in freely.split(sizes))
    return ChannelKeep(masks=tuple((keep | protected).split(sizes)), layers_at_one=held)


def _rank_fraction(scores: Tensor) -> Tensor:
    # Sorting twice gives each channel its rank; the half centres ranks of groups of unlike sizes.
    order = scores.argsort(stable=True).argsort(stable=True)
    return (order.double() + 0.5) / scores.numel()


def parameters_left(
    groups: Sequence[ChannelGroup], masks: Sequence[Tensor], shapes: Mapping[str, torch.Size]
) -> int:
    """How many prunable parameters of `shapes` stay when `masks` are applied to the groups."""
    left = {(name, dim): 1.0 for name in shapes for dim in (0, 1)}
    for group, mask in zip(groups, masks, strict=True):
        for member in group.members:
            if (member.parameter, member.dim) in left:
                gone = int((~mask[member.root]).sum())
                width = shapes[member.parameter][member.dim]
                left[member.parameter, member.dim] -= gone / max(width, len(member.index))
    return round(sum(shape.numel() * left[n, 0] * left[n, 1] for n, shape in shapes.items()))


def channels_for(
    scores: Sequence[Tensor],
    groups: Sequence[ChannelGroup],
    *,
    shapes: Mapping[str, torch.Size],
    budget: float,
    scope: Scope,
) -> ChannelKeep:
    """Drop the fewest lowest-scored channels that leave at most `budget` prunable parameters.

    Raises UnsupportedError where one channel a group is still more than the budget.
    """
    most = sum(score.numel() for score in scores) - len(scores)
    low, high = 0, most
    if parameters_left(groups, lowest_channels(scores, most, scope=scope).masks, shapes) > budget:
        raise UnsupportedError("even one channel a layer leaves more parameters than this sparsity")
    while low < high:
        middle = (low + high) // 2
        keep = lowest_channels(scores, middle, scope=scope)
        if parameters_left(groups, keep.masks, shapes) <= budget:
            high = middle
        else:
            low = middle + 1
    return lowest_channels(scores, low, scope=scope)
