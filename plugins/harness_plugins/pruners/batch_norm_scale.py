"""The scale of the norm behind a channel."""

from __future__ import annotations

from collections.abc import Iterable

import harness


class BatchNormScale:
    """Keep channels whose norm scales them up: |gamma| (Liu 2017), here without its penalty."""

    name = "batch_norm_scale"
    granularities = frozenset({"channel"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: |gamma| of the norm that follows each layer."""
        return {name: scale.abs() for name, scale in evidence.norm_scales.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer the batch-norm scale."""
    return [BatchNormScale()]
