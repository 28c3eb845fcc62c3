"""The pictures: accuracy retained against milliseconds saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import harness


class Tradeoff:
    """tradeoff-MODEL-DATASET.svg, .png: accuracy retained against ms saved, a panel a leaderboard."""

    name = "tradeoff"

    def render(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
        """One file for each model and data set; nothing where no row was measured."""
        files: dict[str, bytes] = {}
        for (model, dataset), chart in harness.tradeoff_pictures(harness.leaderboards(rows)).items():
            name = harness.file_name(f"tradeoff-{model}-{dataset}")
            files |= {f"{name}.svg": chart.svg(), f"{name}.png": chart.png()}
        return files


@harness.hookimpl
def harness_reporters() -> Iterable[harness.Reporter]:
    """Offer the trade-off pictures."""
    return [Tradeoff()]
