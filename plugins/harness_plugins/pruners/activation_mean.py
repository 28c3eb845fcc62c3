"""How strongly a channel responds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class ActivationMean:
    """Keep channels with a strong mean response: mean |a| (Polyak 2015; Molchanov 2017, sec. 2.2)."""

    name = "activation_mean"
    granularities = frozenset({"channel"})
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"channel": "local"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: mean over images and positions of |a|, after norm and activation."""
        images, total = 0, dict[str, "Tensor"]()
        for outputs in evidence.activations:
            for name, output in outputs.items():
                means = output.abs().double().flatten(2).mean(2).sum(0)
                total[name] = total.get(name, 0.0) + means
            images += len(output)
        return {name: value / images for name, value in total.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer the mean activation."""
    return [ActivationMean()]
