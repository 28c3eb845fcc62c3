"""Floors of channel groups: how many channels of each layer stay, whatever their scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Size, Tensor

    from harness.networks.channel_groups import ChannelGroup


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Floor of one layer of a channel group: of these channels at least so many stay."""

    channels: Tensor
    count: int


def floors_of(
    group: ChannelGroup,
    weights: Mapping[str, Tensor],
    *,
    floor: float,
    dense_shapes: Mapping[str, Size],
) -> list[Floor]:
    """Floors of a group, one for each layer that makes channels of it: of what the dense layer has.

    A layer that makes a part of them, as where outputs are concatenated, would be empty otherwise.
    """
    floors = []
    for member in group.producers:
        channels = member.root.unique()
        now = len(weights[member.parameter])
        dense = dense_shapes.get(member.parameter, weights[member.parameter].shape)[0]
        fewest = least_channels(round(len(channels) * dense / now), floor)
        floors.append(Floor(channels=channels, count=min(len(channels), fewest)))
    return floors


def least_channels(size: int, floor: float) -> int:
    """Fewest channels of a group of that size that may stay: the fraction `floor`, and never none."""
    return max(1, math.ceil(floor * size - 1e-9))


def is_spared(group: ChannelGroup, spared: Collection[str]) -> bool:
    """Whether a layer whose channels the group's are is to stay whole."""
    return any(member.parameter in spared for member in group.producers)
