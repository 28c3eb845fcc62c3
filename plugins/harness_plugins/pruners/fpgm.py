"""Filter pruning via geometric median."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class Fpgm:
    """Keep filters far from the others of their layer, whatever their norm (He 2019, eq. 6)."""

    name = "fpgm"
    granularities = frozenset({"channel"})
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"channel": "local"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: sum over j of the L2 distance of filter i to filter j, weights signed."""
        return {name: _distances(w) for name, w in evidence.weights.items() if w.dim() > 1}


def _distances(weight: Tensor) -> Tensor:
    from torch import cdist

    # cdist goes by way of a matrix product, which in 32 bits would lose the small distances.
    filters = weight.flatten(1).double()
    return cdist(filters, filters).sum(dim=1)


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer FPGM."""
    return [Fpgm()]
