"""Trade-off chart: accuracy retained against milliseconds saved, a panel a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.presentation._series import Series, chosen_opacity
from harness.presentation.chart import PIXELS, SCHEMA, Chart
from harness.presentation.level_points import pareto_front

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.presentation.level_points import LevelPoints, Point
    from harness.ranking.leaderboard import Leaderboard

Spec = dict[str, Any]
TOOLTIP = [
    {"field": "method", "type": "nominal"},
    {"field": "level", "type": "quantitative", "format": ".3~g"},
    {"field": "top1", "type": "quantitative", "title": "top-1", "format": ".1%"},
    {"field": "retained", "type": "quantitative", "format": ".3f"},
    {"field": "saved", "type": "quantitative", "title": "ms saved", "format": ".3~g"},
    {"field": "speedup", "type": "quantitative", "title": "speed-up", "format": ".2f"},
    {"field": "realised", "type": "quantitative", "format": ".0%"},
]
X = {"field": "saved", "type": "quantitative", "title": "ms saved per batch"}
Y = {
    "field": "retained", "type": "quantitative", "title": "accuracy retained",
    "scale": {"zero": False},
}  # fmt: skip
DENSE = {"saved": 0.0, "retained": 1.0, "method": "dense"}
"""It saves nothing and retains all."""


def tradeoff_chart(
    boards: Sequence[Leaderboard],
    colours: Mapping[str, str],
    *,
    titles: Sequence[str],
    points: LevelPoints,
) -> Chart:
    """Trade-off chart of several boards, those methods in colour that `colours` has one for.

    Bars are 95 % intervals, the dotted step is the best accuracy for each saving (Pareto front).
    """
    columns = min(len(boards), 2 if len(boards) <= 4 else 3)
    width = (PIXELS - 80) // max(columns, 2) - 70
    series = Series(boards, colours)
    datasets: dict[str, Sequence[Point]] = {"dense": [DENSE]}
    panels = []
    for number, (board, title) in enumerate(zip(boards, titles, strict=True)):
        own = [
            {**point, "series": series.of(entry.name)}
            for entry in board.entries
            for point in points.of(entry)
        ]
        datasets |= {f"levels{number}": own, f"front{number}": _front_only(own)}
        size = {"width": width, "height": round(width * 0.62)}
        panels.append({**size, "title": title, "layer": _layers(str(number), series)})
    return Chart(
        spec={
            "$schema": SCHEMA,
            "params": [{"name": "chosen", "value": []}],
            "datasets": datasets,
            "columns": columns,
            "concat": panels,
            "resolve": {"scale": {"color": "shared", "shape": "shared"}},
        }
    )


def _front_only(points: Sequence[Point]) -> list[Point]:
    return [{name: point[name] for name in ("saved", "retained")} for point in pareto_front(points)]


def _layers(panel: str, series: Series) -> list[Spec]:
    levels, front, colour = f"levels{panel}", f"front{panel}", series.colour()
    method = {"field": "method", "type": "nominal"}
    shapes = {"domain": ["channel", "weight"], "range": ["circle", "cross"]}
    return [
        _layer(front, {"type": "line", "interpolate": "step-before", "strokeDash": [2, 3],
                       "color": "#888888"}),
        _bars(levels, "saved", "x", colour),
        _bars(levels, "retained", "y", colour),
        _layer(levels, {"type": "line", "strokeWidth": 1.6}, color=colour, detail=method,
               order={"field": "level", "type": "quantitative"},
               opacity=chosen_opacity(1.0, 0.06, others=0.5)),
        _layer(levels, {"type": "point", "filled": True, "size": 42}, color=colour,
               shape={"field": "kind", "type": "nominal", "scale": shapes, "legend": None},
               opacity=chosen_opacity(1.0, 0.06, others=0.6), tooltip=TOOLTIP),
        _layer("dense", {"type": "point", "shape": "diamond", "filled": True, "size": 110,
                         "color": "#777777"}),
        _layer("dense", {"type": "text", "text": "dense", "align": "left", "dx": 7, "dy": -8,
                         "color": "#777777"}),
    ]  # fmt: skip


def _layer(data: str, mark: Spec, **encoding: object) -> Spec:
    return {"data": {"name": data}, "mark": mark, "encoding": {"x": X, "y": Y, **encoding}}


def _bars(data: str, field: str, axis: str, colour: Spec) -> Spec:
    """95 % intervals of one of the two numbers, where they are known."""
    ends = {
        axis: {**(X if axis == "x" else Y), "field": f"{field}_low"},
        f"{axis}2": {"field": f"{field}_high"},
    }
    known = {"transform": [{"filter": f"isValid(datum.{field}_low)"}]}
    opacity = chosen_opacity(0.45, 0.03, others=0.25)
    return _layer(data, {"type": "rule"}, **ends, color=colour, opacity=opacity) | known
