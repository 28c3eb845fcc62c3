"""Score chart: the area that a score is, of a real method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.presentation.chart import SCHEMA, Chart
from harness.presentation.level_points import pareto_front

if TYPE_CHECKING:
    from harness.presentation.level_points import LevelPoints
    from harness.ranking.leaderboard import Entry

X = {"field": "saved", "type": "quantitative", "title": "ms saved per batch"}
Y = {"field": "retained", "type": "quantitative", "title": "accuracy retained"}


def score_chart(entry: Entry, points: LevelPoints) -> Chart:
    """Chart of the best accuracy for each saving, from 0 to dense latency, the area below it grey."""
    levels = points.of(entry)
    dense = float(entry.best["dense_latency_ms"])
    front = [{name: point[name] for name in ("saved", "retained")} for point in pareto_front(levels)]
    front = [point for point in front if point["saved"] > 0.0]
    steps = [{"saved": 0.0, "retained": front[0]["retained"]}, *front, {**front[-1], "retained": 0.0}]
    area: dict[str, Any] = {
        "data": {"values": steps},
        "mark": {"type": "area", "interpolate": "step-before", "opacity": 0.3, "color": "#888888"},
        "encoding": {"x": {**X, "scale": {"domain": [0.0, dense]}}, "y": Y},
    }
    marks: dict[str, Any] = {
        "data": {"values": levels},
        "mark": {"type": "point", "filled": True, "size": 60, "color": "#0072b2"},
        "encoding": {"x": X, "y": Y, "tooltip": [{"field": "level"}, {"field": "retained"}]},
    }
    return Chart(spec={"$schema": SCHEMA, "width": 640, "height": 300, "layer": [area, marks]})
