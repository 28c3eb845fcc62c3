"""Quality floor: how fast a method is where it retains at least so much of dense accuracy."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

QUALITY_FLOOR = 0.99


def latency_at_floor(levels: Sequence[tuple[float, float]], floor: float) -> float | None:
    """Least latency (ms) at a quality floor; None where no measured level reaches it.

    `levels` are pairs of accuracy retained and latency, by rising sparsity. Between one at the floor
    and one below it both are taken to change evenly; beyond what was measured nothing is said.
    """
    return min(_candidates(levels, floor), default=None)


def _candidates(levels: Sequence[tuple[float, float]], floor: float) -> Iterator[float]:
    for retained, latency in levels:
        if retained >= floor:
            yield latency
    for one, other in pairwise(levels):
        (low, low_ms), (high, high_ms) = sorted((one, other))
        if low < floor < high:
            yield high_ms + (low_ms - high_ms) * (high - floor) / (high - low)
