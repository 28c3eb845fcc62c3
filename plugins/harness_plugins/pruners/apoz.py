"""Average percentage of zeros."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class Apoz:
    """Keep channels that are seldom zero after their ReLU (Hu 2016, eq. 1)."""

    name = "apoz"
    granularities = frozenset({"channel"})
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"channel": "local"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: 1 minus the fraction of zeros over images and positions, where a ReLU follows."""
        images, zeros, rectified = 0, dict[str, "Tensor"](), dict[str, bool]()
        for outputs in evidence.activations:
            for name, output in outputs.items():
                share = (output == 0).double().flatten(2).mean(2).sum(0)
                zeros[name] = zeros.get(name, 0.0) + share
                rectified[name] = rectified.get(name, True) and bool((output >= 0).all())
            images += len(output)
        found = {n: 1.0 - z / images for n, z in zeros.items() if rectified[n] and bool(z.any())}
        if not found:
            raise harness.UnsupportedError("no layer of this model is followed by a ReLU")
        return found


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer APoZ."""
    return [Apoz()]
