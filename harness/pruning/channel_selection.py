"""Which channels stay: the lowest-scored leave until the rest is within a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from harness.errors import UnsupportedError
from harness.pruning.channel_groups import ChannelGroup, _sum
from harness.pruning.masks import keep_all_but

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from harness.contracts.evidence import Scope
    from harness.contracts.pruners import Scores


@dataclass(frozen=True, kw_only=True)
class ChannelKeep:
    """Which channels stay in each group, and how many groups were held at their last channels."""

    masks: tuple[Tensor, ...]
    layers_at_one: int


def comparable(
    scores: Sequence[Tensor], groups: Sequence[ChannelGroup], *, scope: Scope
) -> list[Tensor]:
    """Scores that compare over all groups as `scope` says.

    `global` compares them as they are. `local` compares each channel's rank within its group, so
    that every group loses the same fraction; `isomorphic` its rank within all groups of one kind
    (Fang 2024).
    """
    if scope == "global":
        return list(scores)
    kinds = [group.kind if scope == "isomorphic" else group.root for group in groups]
    found: list[Tensor] = list(scores)
    for kind in dict.fromkeys(kinds):
        places = [place for place, other in enumerate(kinds) if other == kind]
        ranks = _rank_fraction(torch.cat([scores[place] for place in places]))
        parts = ranks.split([scores[place].numel() for place in places])
        for place, part in zip(places, parts, strict=True):
            found[place] = part
    return found


def _rank_fraction(scores: Tensor) -> Tensor:
    # Sorting twice gives each channel its rank; the half centres ranks of groups of unlike sizes.
    order = scores.argsort(stable=True).argsort(stable=True)
    return (order.double() + 0.5) / scores.numel()


def lowest_channels(scores: Sequence[Tensor], count: int, *, multiple: int = 1) -> ChannelKeep:
    """Drop the `count` lowest-scored channels over all groups, never a group's last one.

    What stays in each group is then rounded up to a multiple, the best of those dropped coming back.
    """
    pinned = [_best_pinned(score) for score in scores]
    sizes = [score.numel() for score in scores]
    keep = keep_all_but(count, torch.cat(pinned)).split(sizes)
    freely = keep_all_but(count, torch.cat(list(scores))).split(sizes)
    held = sum(not bool(part.any()) for part in freely)
    if multiple > 1:
        keep = tuple(_rounded_up(m, p, multiple) for m, p in zip(keep, pinned, strict=True))
    return ChannelKeep(masks=tuple(keep), layers_at_one=held)


def _best_pinned(score: Tensor) -> Tensor:
    pinned = score.clone()
    pinned[int(score.argmax())] = torch.inf
    return pinned


def _rounded_up(mask: Tensor, score: Tensor, multiple: int) -> Tensor:
    wanted = min(-(-int(mask.sum()) // multiple) * multiple, mask.numel())
    return keep_all_but(mask.numel() - wanted, score)


def cost_left(
    groups: Sequence[ChannelGroup],
    masks: Sequence[Tensor],
    *,
    shapes: Mapping[str, torch.Size],
    costs: Mapping[str, float],
) -> float:
    """What the weights of `shapes` cost when `masks` are applied to the groups.

    `costs` is what one number of each weight costs; with ones, it is how many stay.
    """
    left = {(name, dim): 1.0 for name in shapes for dim in (0, 1)}
    for group, mask in zip(groups, masks, strict=True):
        for member in group.members:
            if (member.parameter, member.dim) in left:
                gone = int((~mask[member.root]).sum())
                width = shapes[member.parameter][member.dim]
                left[member.parameter, member.dim] -= gone / max(width, len(member.index))
    return sum(s.numel() * costs[n] * left[n, 0] * left[n, 1] for n, s in shapes.items())


def select_channels(
    scores: Sequence[Tensor],
    groups: Sequence[ChannelGroup],
    *,
    shapes: Mapping[str, torch.Size],
    costs: Mapping[str, float],
    budget: float,
    multiple: int = 1,
) -> ChannelKeep:
    """Drop the fewest lowest-scored channels whose rest costs at most `budget`.

    Raises UnsupportedError where the fewest channels that may stay cost more.
    """
    low, high = 0, sum(score.numel() for score in scores) - len(scores)

    def fits(count: int) -> bool:
        masks = lowest_channels(scores, count, multiple=multiple).masks
        # Half a number is what sums of fractions may be off by.
        return cost_left(groups, masks, shapes=shapes, costs=costs) < budget + 0.5

    if not fits(high):
        least = "one channel" if multiple == 1 else f"{multiple} channels"
        raise UnsupportedError(f"even {least} a layer leaves more than this sparsity")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return lowest_channels(scores, low, multiple=multiple)


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
