"""Channel selection under a pruning budget: the lowest-scored leave until the rest is within it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from harness.errors import UnsupportedError
from harness.networks.channel_groups import ChannelGroup, sum_by_channel
from harness.pruning._floors import Floor
from harness.pruning.masks import keep_all_but, pin_best

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from harness.contracts.evidence import Scope, Scores


@dataclass(frozen=True, kw_only=True)
class ChannelKeep:
    """Keep masks `(size,)` of channel groups, and how many groups were held at their floor."""

    masks: tuple[Tensor, ...]
    layers_at_floor: int


def comparable_scores(
    scores: Sequence[Tensor], groups: Sequence[ChannelGroup], *, scope: Scope
) -> list[Tensor]:
    """Comparable scores over all groups, as `scope` says.

    `global` compares them as they are. `local` compares each channel's rank within its group, so
    that every group loses the same fraction; `isomorphic` its rank within all groups of one kind
    (Fang 2024).
    """
    if scope == "global":
        return list(scores)
    kinds = [group.kind if scope == "isomorphic" else group.root for group in groups]
    compared: list[Tensor] = list(scores)
    for kind in dict.fromkeys(kinds):
        indices = [index for index, other in enumerate(kinds) if other == kind]
        ranks = _rank_fraction(torch.cat([scores[index] for index in indices]))
        pieces = ranks.split([scores[index].numel() for index in indices])
        for index, piece in zip(indices, pieces, strict=True):
            compared[index] = piece
    return compared


def _rank_fraction(scores: Tensor) -> Tensor:
    # Sorting twice gives each channel its rank; the half centres ranks of groups of unlike sizes.
    order = scores.argsort(stable=True).argsort(stable=True)
    return (order.double() + 0.5) / scores.numel()


def lowest_channels(
    scores: Sequence[Tensor],
    count: int,
    *,
    multiple: int = 1,
    floors: Sequence[Sequence[Floor]] | None = None,
) -> ChannelKeep:
    """Drop the `count` lowest-scored channels over all groups, but for those that floors ask for.

    By default a channel of each group stays. What stays in each group is then rounded up to a multiple,
    the best of those dropped coming back.
    """
    floors = floors or _last_channels(scores)
    pinned = [_pin_floors(score, own) for score, own in zip(scores, floors, strict=True)]
    sizes = [score.numel() for score in scores]
    leaving = min(count, _channels_above(pinned))
    keep = keep_all_but(leaving, torch.cat(pinned)).split(sizes)
    unpinned = keep_all_but(count, torch.cat(list(scores))).split(sizes)
    held = sum(_is_below(mask, own) for mask, own in zip(unpinned, floors, strict=True))
    if multiple > 1:
        keep = tuple(_round_up(m, p, multiple) for m, p in zip(keep, pinned, strict=True))
    return ChannelKeep(masks=tuple(keep), layers_at_floor=held)


def _channels_above(pinned: Sequence[Tensor]) -> int:
    """Number of channels over all groups that may leave."""
    return sum(int((score < torch.inf).sum()) for score in pinned)


def _last_channels(scores: Sequence[Tensor]) -> list[list[Floor]]:
    return [[Floor(channels=torch.arange(score.numel()), count=1)] for score in scores]


def _pin_floors(score: Tensor, floors: Sequence[Floor]) -> Tensor:
    """Scores in which the best of each layer are infinite, as many as its floor asks for."""
    pinned = score.clone()
    # What a part of the channels asks for counts for those that have all of them.
    for floor in sorted(floors, key=lambda floor: len(floor.channels)):
        pinned[floor.channels] = pin_best(pinned[floor.channels], floor.count)
    return pinned


def _is_below(mask: Tensor, floors: Sequence[Floor]) -> bool:
    return any(int(mask[floor.channels].sum()) < floor.count for floor in floors)


def _round_up(mask: Tensor, score: Tensor, multiple: int) -> Tensor:
    count = min(-(-int(mask.sum()) // multiple) * multiple, mask.numel())
    return keep_all_but(mask.numel() - count, score)


def cost_left(
    groups: Sequence[ChannelGroup],
    masks: Sequence[Tensor],
    *,
    shapes: Mapping[str, torch.Size],
    costs: Mapping[str, float],
) -> float:
    """Cost left of the weights of `shapes` when `masks` are applied to the groups.

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
    floors: Sequence[Sequence[Floor]] | None = None,
) -> ChannelKeep:
    """Channel selection: drop the fewest lowest-scored channels whose rest costs at most `budget`.

    What floors ask for stays, a channel of each group where nothing is said. Raises UnsupportedError
    where the fewest channels that may stay cost more.
    """
    floors = floors or _last_channels(scores)
    pinned = [_pin_floors(score, own) for score, own in zip(scores, floors, strict=True)]
    low, high = 0, _channels_above(pinned)

    def fits(count: int) -> bool:
        masks = lowest_channels(scores, count, multiple=multiple, floors=floors).masks
        # Half a number is what sums of fractions may be off by.
        return cost_left(groups, masks, shapes=shapes, costs=costs) < budget + 0.5

    if not fits(high):
        fewest = "one channel" if multiple == 1 else f"{multiple} channels"
        most = max(floor.count for own in floors for floor in own)
        more = "; with a lower --layer-floor more can leave" if most > multiple else ""
        what = "the floor of each layer" if more else f"even {fewest} a layer"
        raise UnsupportedError(f"{what} leaves more than this sparsity{more}")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return lowest_channels(scores, low, multiple=multiple, floors=floors)


def channel_scores(scores: Scores, group: ChannelGroup) -> tuple[Tensor, str]:
    """Channel scores `(size,)` of a group, and the reduction that made them.

    Weight-shaped scores: summed over each member's slice, averaged over members (group mean of
    DepGraph, Fang 2023). `(out,)` scores: averaged over the producing layers.
    """
    producers = [member for member in group.producers if member.parameter in scores]
    if not producers:
        raise UnsupportedError(f"no scores for the layers coupled to {group.root!r}")
    if all(scores[member.parameter].dim() == 1 for member in producers):
        return sum_by_channel(scores, producers, group.size) / len(producers), "producers"
    members = [member for member in group.members if member.parameter in scores]
    return sum_by_channel(scores, members, group.size) / len(members), "group"
