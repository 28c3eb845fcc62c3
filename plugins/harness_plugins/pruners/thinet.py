"""What the next layer would miss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class ThiNet:
    """Keep channels that the outputs of the next layer are made of (Luo 2017).

    Only where one layer alone reads the channels: as in the paper, streams that blocks add to stay
    whole.
    """

    name = "thinet"
    granularities = frozenset({"channel"})
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"channel": "local"})

    @property
    def control(self) -> harness.Pruner:
        """Random channels among those that ThiNet may cut: half of its lead is where it cuts."""
        return RandomReaders()

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: in which turn a channel leaves when the cheapest leaves first (eq. 6, alg. 1)."""
        found = {name: removal_order(added) for name, added in evidence.contributions.items()}
        if not found:
            raise harness.UnsupportedError("no layer's channels are read by one layer alone")
        return found

    def rewrite(self, evidence: harness.Evidence, keep: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Readers with each kept channel scaled so that their outputs stay (eq. 7)."""
        from torch import ones

        weights = dict(evidence.weights)
        added, changed = evidence.contributions, dict[str, "Tensor"]()
        for name, reader in evidence.readers.items():
            if name in keep:
                scale = ones(len(keep[name]), dtype=weights[reader.weight].dtype)
                scale[keep[name]] = least_squares(added[name], keep[name]).to(scale.dtype)
                weight = changed.get(reader.weight, weights[reader.weight]).clone()
                by_slice = scale[reader.channel].view(1, -1, *(1 for _ in weight.shape[2:]))
                weight[:, reader.index] *= by_slice
                changed[reader.weight] = weight
        return changed


class RandomReaders:
    """Remove at random among the channels that one layer alone reads: the control of ThiNet."""

    name = "random:thinet"
    granularities = frozenset({"channel"})
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"channel": "local"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: uniform."""
        weights = evidence.weights
        return {
            name: weights[name].new_empty(len(weights[name])).uniform_(generator=evidence.generator)
            for name in evidence.readers
        }


def removal_order(added: Tensor) -> Tensor:
    """`(out,)` turns: each removes the channel that adds least to the squared error so far.

    `added` is `(samples, out)`, what each channel adds to sampled outputs.
    """
    from torch import arange, inf, zeros_like

    products = added.T @ added
    lost = zeros_like(products[0])
    costs, order = products.diagonal().clone(), zeros_like(lost)
    for turn in arange(len(order)):
        # The error after removing j too is the one so far plus 2 x_T . x_j + x_j . x_j.
        gone = int((2 * lost + costs).argmin())
        order[gone] = turn
        lost += products[gone]
        costs[gone] = inf
    return order


def least_squares(added: Tensor, keep: Tensor) -> Tensor:
    """`(kept,)` factors with which the kept channels come nearest to what all of them added."""
    from torch.linalg import lstsq

    # A channel that is always zero leaves the system short of rank, which this driver allows.
    solution: Tensor = lstsq(added[:, keep], added.sum(1, keepdim=True), driver="gelsd").solution
    return solution[:, 0]


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer ThiNet."""
    return [ThiNet()]
