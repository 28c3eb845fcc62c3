"""Weights and activations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import harness


class Wanda:
    """Keep large weights on strong inputs: |w| times the norm of its input (Sun 2024, eq. 1)."""

    name = "wanda"
    granularities = frozenset({"weight"})
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"weight": "row"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`|w_ij| * |x_j|_2`, the norm over all images and positions; rows compare by themselves."""
        norms = evidence.input_norms
        return {n: w.abs() * norms[n] for n, w in evidence.weights.items() if n in norms}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer Wanda."""
    return [Wanda()]
