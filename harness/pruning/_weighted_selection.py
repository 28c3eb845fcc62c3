"""Weighted selection: the fewest lowest-scored weights whose removal saves so much.

As quickselect (Hoare 1961) finds a rank without sorting, halves are told apart by what they cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from harness.contracts.evidence import Scores

SORTED_AT = 4096
"""Of so few candidates sorting costs nothing."""


def lowest_masks(scores: Scores, costs: Mapping[str, float], saving: float) -> dict[str, Tensor]:
    """Keep masks over all layers: the fewest lowest-scored leave that save at least `saving`.

    One number of each layer costs what `costs` says; earlier ones leave first among equal scores. What
    scores minus infinity has left already, and saves too.
    """
    joined = torch.cat([score.flatten() for score in scores.values()])
    sizes = [score.numel() for score in scores.values()]
    prices = torch.tensor([costs[name] for name in scores], dtype=torch.float64)
    prices = prices.repeat_interleave(torch.tensor(sizes))
    keep = joined > -torch.inf
    left = keep.nonzero().flatten()
    gone = float(prices.sum() - prices[left].sum())
    lowest = _cheapest_prefix(joined[left], prices[left], saving - gone)
    keep[left[lowest]] = False
    chunks = keep.split(sizes)
    return {n: chunk.view(s.shape) for (n, s), chunk in zip(scores.items(), chunks, strict=True)}


def _cheapest_prefix(scores: Tensor, prices: Tensor, saving: float) -> Tensor:
    """Indices of the shortest prefix of the ascending order that costs at least `saving`."""
    # Sums of whole prices may be off by their last bits.
    missing = saving - 1e-9 * float(prices.sum())
    if missing <= 0.0:
        return torch.empty(0, dtype=torch.long)
    taken: list[Tensor] = []
    indices = torch.arange(scores.numel())
    while scores.numel() > SORTED_AT:
        pivot = scores.kthvalue(scores.numel() // 2).values
        below = scores <= pivot
        if bool(below.all()):
            below = scores < pivot
            if not bool(below.any()):
                # All are equal, and leave by their place.
                break
        cost = float(prices[below].sum())
        if cost < missing:
            taken.append(indices[below])
            below, missing = ~below, missing - cost
        scores, prices, indices = scores[below], prices[below], indices[below]
    if scores.numel() <= SORTED_AT:
        order = scores.argsort(stable=True)
        prices, indices = prices[order], indices[order]
    count = int(torch.searchsorted(prices.cumsum(0), missing)) + 1
    return torch.cat([*taken, indices[:count]])
