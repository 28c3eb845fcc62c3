"""Weighted selection: the fewest lowest-scored weights whose removal saves so much.

By radix, without sorting: the bits of floats are in the order of their values, so that scores are
counted by their leading bits, those at the boundary by their next ones, and so on to the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

DIGIT_BITS = 16
DIGITS = 2**DIGIT_BITS
INTEGERS = {torch.float32: torch.int32, torch.float64: torch.int64}
ROUNDING = 1e-12
"""Of all there is: sums of whole prices may be off by their last bits."""


def lowest_masks(
    scores: Mapping[str, Tensor], costs: Mapping[str, float], saving: float
) -> dict[str, Tensor]:
    """Keep masks over all layers: the fewest lowest-scored leave that save at least `saving`.

    One number of each layer costs what `costs` says; earlier ones leave first among equal scores. What
    scores minus infinity has left already, and saves too.
    """
    missing = saving - ROUNDING * sum(costs[name] * score.numel() for name, score in scores.items())
    keep = {name: (score > -torch.inf).flatten() for name, score in scores.items()}
    precision = _precision(scores)
    bits = torch.iinfo(INTEGERS[precision]).bits
    keys = {name: _ordered_bits(score.flatten(), precision) for name, score in scores.items()}
    indices: dict[str, Tensor] = {}
    for shift in range(bits - DIGIT_BITS, -1, -DIGIT_BITS) if missing > 0.0 else ():
        digits = {name: (own >> shift).bitwise_and_(DIGITS - 1) for name, own in keys.items()}
        boundary, missing = _boundary(digits, costs, missing)
        for name, own in digits.items():
            _drop(keep[name], indices.get(name), own < boundary)
            at = (own == boundary).nonzero().flatten()
            keys[name] = keys[name][at]
            indices[name] = indices[name][at] if name in indices else at
    # What is left at the boundary is equal, and leaves by its place.
    for name, own in indices.items():
        count = min(len(own), max(0, -int(-missing // costs[name]))) if costs[name] else len(own)
        keep[name][own[:count]] = False
        missing -= count * costs[name]
    return {name: own.view(scores[name].shape) for name, own in keep.items()}


def _precision(scores: Mapping[str, Tensor]) -> torch.dtype:
    double = any(score.dtype == torch.float64 for score in scores.values())
    return torch.float64 if double else torch.float32


def _ordered_bits(scores: Tensor, precision: torch.dtype) -> Tensor:
    """Bits of floats as integers whose unsigned order is that of the values."""
    # Zeros of both signs are one.
    bits = (scores.to(precision) + 0.0).view(INTEGERS[precision])
    info = torch.iinfo(bits.dtype)
    # All bits of a negative float are turned round, and the sign of a positive one.
    return (bits >> (info.bits - 1)).bitwise_or_(info.min).bitwise_xor_(bits)


def _boundary(
    digits: Mapping[str, Tensor], costs: Mapping[str, float], missing: float
) -> tuple[int, float]:
    """Digit at which what is missing is saved, and what is missing of it after all lower ones."""
    counts = [
        torch.bincount(own, minlength=DIGITS).double() * costs[name] for name, own in digits.items()
    ]
    saved = torch.stack(counts).sum(0).cumsum(0)
    boundary = int(torch.searchsorted(saved, missing))
    return boundary, missing - float(saved[boundary - 1] if boundary else 0.0)


def _drop(keep: Tensor, indices: Tensor | None, lower: Tensor) -> None:
    """Drop, in place, what is lower; of all where there are no indices yet."""
    if indices is None:
        keep.masked_fill_(lower, value=False)
    else:
        keep[indices[lower]] = False
