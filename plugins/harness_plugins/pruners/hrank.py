"""The rank of feature maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class HRank:
    """Keep channels whose feature maps have a high rank (Lin 2020, eq. 5)."""

    name = "hrank"
    granularities = frozenset({"channel"})
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"channel": "local"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: mean over images of the rank of the map after norm and activation.

        Maps of a single row or column all have rank 1 or 0: their layers are not scored.
        """
        from torch.linalg import matrix_rank

        images, total = 0, dict[str, "Tensor"]()
        for outputs in evidence.activations:
            for name, maps in outputs.items():
                if maps.dim() == 4 and min(maps.shape[2:]) > 1:
                    total[name] = total.get(name, 0.0) + matrix_rank(maps).double().sum(0)
            images += len(maps)
        if not total:
            raise harness.UnsupportedError("no layer of this model has feature maps with a rank")
        return {name: rank / images for name, rank in total.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer HRank."""
    return [HRank()]
