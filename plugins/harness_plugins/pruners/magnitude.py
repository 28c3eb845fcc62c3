"""Magnitude: of single weights, of filters, and of all that leaves with a channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import harness


@dataclass(frozen=True)
class Magnitude:
    """Weight magnitude: weights near zero leave, the baseline to beat (Han 2015, sec. 3)."""

    name: str
    power: int
    granularities: frozenset[harness.Granularity] = frozenset({"weight"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`|w|^p` of every weight."""
        return {name: weight.abs() ** self.power for name, weight in evidence.weights.items()}


@dataclass(frozen=True)
class GroupNorm:
    """Group norm: a channel counts as much as all that leaves with it (Fang 2023, sec. 3.3, eq. 4).

    The equation's `I_gk`, the sum over the group of `|w[k]|^p`, with p = 2 as published, or 1; without
    the sparse training before it. What the paper divides by, the same for a group, changes no order.
    """

    name: str
    power: int
    granularities: frozenset[harness.Granularity] = frozenset({"channel"})

    @property
    def scopes(self) -> Mapping[harness.Granularity, harness.Scope]:
        """Channels of a group compare: over the network, norms follow the layers' sizes."""
        return {"channel": "local"}

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`|w|^p` of producers, readers and norm scales; at granularity channel: group mean."""
        return {name: weight.abs() ** self.power for name, weight in evidence.weights.items()}


@dataclass(frozen=True)
class FilterNorm:
    """Filter norm: filters with small weights leave, whatever reads them (Li 2017, sec. 3.1).

    L1, the sum of `|w|`, as there, or L2, the root of the sum of squares (He 2018, eq. 2). Where layers
    are added up, the mean of their norms decides; Li lets the shortcut's projection decide alone.
    """

    name: str
    power: int
    granularities: frozenset[harness.Granularity] = frozenset({"channel"})

    @property
    def scopes(self) -> Mapping[harness.Granularity, harness.Scope]:
        """Filters of a layer compare, as in both papers."""
        return {"channel": "local"}

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: the norm of each producing filter alone."""
        filters = {name: w.flatten(1) for name, w in evidence.weights.items() if w.dim() > 1}
        return {name: rows.norm(p=self.power, dim=1) for name, rows in filters.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer each in L1 and in L2; of single weights, both keep the same."""
    return [
        Magnitude("magnitude_l1", 1), Magnitude("magnitude_l2", 2),
        GroupNorm("group_norm_l1", 1), GroupNorm("group_norm_l2", 2),
        FilterNorm("filter_norm_l1", 1), FilterNorm("filter_norm_l2", 2),
    ]  # fmt: skip
