"""Level chart: what a method retains and how fast it is at each level, a line a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.presentation.board_titles import panel_titles
from harness.presentation.chart import SCHEMA, Chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.presentation.level_points import LevelPoints
    from harness.ranking.leaderboard import Entry, Leaderboard

Spec = dict[str, Any]
PANELS = (
    ("retained", "accuracy retained", "retained_low", "retained_high"),
    ("saved", "ms saved", "saved_low", "saved_high"),
)


def level_chart(standing: Sequence[tuple[Leaderboard, Entry]], points: LevelPoints) -> Chart:
    """Level chart of one method on boards of one model, with 95 % intervals."""
    titles = panel_titles([board for board, _ in standing])
    values = [
        {**point, "board": title}
        for title, (_, entry) in zip(titles, standing, strict=True)
        for point in points.of(entry)
    ]
    colour = {
        "field": "board", "type": "nominal", "scale": {"scheme": "tableau20"},
        "legend": {"orient": "bottom", "title": None, "columns": 4, "symbolOpacity": 1},
    }  # fmt: skip
    return Chart(
        spec={
            "$schema": SCHEMA,
            "data": {"values": values},
            "hconcat": [_panel(*panel, colour) for panel in PANELS],
        }
    )


def _panel(field: str, title: str, low: str, high: str, colour: Spec) -> Spec:
    x = {"field": "level", "type": "quantitative", "title": "level"}
    y = {"field": field, "type": "quantitative", "title": title, "scale": {"zero": False}}
    shared = {"x": x, "y": y, "color": colour}
    tooltip = [{"field": name} for name in ("board", "level", field, low, high)]
    bars = {**shared, "y": {**y, "field": low}, "y2": {"field": high}, "opacity": {"value": 0.4}}
    known = [{"filter": f"isValid(datum.{low})"}]
    return {
        "width": 440,
        "height": 260,
        "layer": [
            {"transform": known, "mark": {"type": "rule"}, "encoding": bars},
            {"mark": {"type": "line", "strokeWidth": 1.6}, "encoding": shared},
            {
                "mark": {"type": "point", "filled": True, "size": 42},
                "encoding": {**shared, "tooltip": tooltip},
            },
        ],
    }
