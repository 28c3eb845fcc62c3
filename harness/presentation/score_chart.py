"""Score chart: the area that a score is, of a real method and seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.presentation.chart import SCHEMA, Chart
from harness.ranking.leaderboard import shown_top1

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.ranking.leaderboard import Entry

X = {"field": "saved", "type": "quantitative", "title": "ms saved per batch"}
Y = {"field": "retained", "type": "quantitative", "title": "accuracy above chance retained"}


def score_chart(entry: Entry, seed: int) -> Chart:
    """Chart of the best accuracy for each saving, from 0 to dense latency, the area below it grey.

    That area, as a share of the whole width, is the score of that seed.
    """
    rows = [row for row in entry.rows if row["seed"] == seed]
    levels = [_level(row) for row in rows if row["saves_time"]]
    area: dict[str, Any] = {
        "data": {"values": _steps(levels)},
        "mark": {"type": "area", "interpolate": "step-before", "opacity": 0.3, "color": "#888888"},
        "encoding": {"x": {**X, "scale": {"domain": [0.0, rows[0]["dense_latency_ms"]]}}, "y": Y},
    }
    marks: dict[str, Any] = {
        "data": {"values": levels},
        "mark": {"type": "point", "filled": True, "size": 60, "color": "#0072b2"},
        "encoding": {"x": X, "y": Y, "tooltip": [{"field": "level"}, {"field": "retained"}]},
    }
    return Chart(spec={"$schema": SCHEMA, "width": 640, "height": 300, "layer": [area, marks]})


def _level(row: Mapping[str, Any]) -> dict[str, float]:
    """A level as the score takes it: above chance, no more than all, out of one dense latency."""
    chance, own_dense = row["chance"] or 0.0, row["dense_top1_backend"]
    dense = row["dense_top1"] if own_dense is None else own_dense
    above = (shown_top1(row) - chance) / (dense - chance) if dense > chance else 0.0
    return {"level": row["sparsity"], "saved": row["ms_saved"], "retained": min(max(above, 0.0), 1.0)}


def _steps(levels: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Ends of the steps of `r(t)`, from 0 to the largest saving."""
    falling = sorted(levels, key=lambda level: -level["saved"])
    steps: list[dict[str, float]] = []
    best = 0.0
    for level in falling:
        best = max(best, level["retained"])
        steps.insert(0, {"saved": level["saved"], "retained": best})
    return [{"saved": 0.0, "retained": steps[0]["retained"] if steps else 0.0}, *steps]
