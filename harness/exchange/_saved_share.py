"""Saved share: what a row saves of dense time, which a slower day moves alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SavedShare = tuple[float, float, float]
"""Share of dense time, with the ends of its 95 % interval."""


def saved_share(row: Mapping[str, Any]) -> SavedShare:
    """Saved share of a measured row."""
    saved, low, high = (
        float(row[name] / row["dense_latency_ms"])
        for name in ("ms_saved", "ms_saved_low", "ms_saved_high")
    )
    return saved, low, high


def intervals_meet(one: SavedShare, other: SavedShare) -> bool:
    """Whether the intervals of two saved shares have a value in common."""
    return max(one[1], other[1]) <= min(one[2], other[2])
