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
ALONE = 680
"""Width of the panel of a picture that has one."""
X = {"field": "saved", "type": "quantitative", "title": "ms saved per batch"}
Y = {
    "field": "retained", "type": "quantitative", "title": "accuracy retained",
    "scale": {"zero": False},
}  # fmt: skip


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
    width = ALONE if columns == 1 else (PIXELS - 80) // columns - 70
    series = Series(boards, colours)
    panels = [
        {
            "title": title,
            "width": width,
            "height": round(width * 0.62),
            **_panel([(series.of(e.name), points.of(e)) for e in board.entries], series.colour()),
        }
        for board, title in zip(boards, titles, strict=True)
    ]
    return Chart(
        spec={
            "$schema": SCHEMA,
            "params": [{"name": "chosen", "value": []}],
            "columns": columns,
            "concat": panels,
            "resolve": {"scale": {"color": "shared", "shape": "shared"}},
        }
    )


def _panel(drawn: Sequence[tuple[str, Sequence[Point]]], colour: Spec) -> Spec:
    """Data and layers of one board; `drawn` are points with the series that they are drawn as."""
    levels = [{**point, "series": series} for series, own in drawn for point in own]
    front = [{name: point[name] for name in ("saved", "retained")} for point in pareto_front(levels)]
    step = {"type": "line", "interpolate": "step-before", "strokeDash": [2, 3], "color": "#888888"}
    method = {"field": "method", "type": "nominal"}
    shapes = {"domain": ["channel", "weight"], "range": ["circle", "cross"]}
    curves = _layer(
        {"type": "line", "strokeWidth": 1.6},
        color=colour,
        detail=method,
        order={"field": "level", "type": "quantitative"},
        opacity=chosen_opacity(1.0, 0.06, others=0.5),
    )
    marks = _layer(
        {"type": "point", "filled": True, "size": 42},
        color=colour,
        shape={"field": "kind", "type": "nominal", "scale": shapes, "legend": None},
        opacity=chosen_opacity(1.0, 0.06, others=0.6),
        tooltip=TOOLTIP,
    )
    bars = [_bars("saved", "x", colour), _bars("retained", "y", colour)]
    first = {**_layer(step), "data": {"values": front}}
    return {"data": {"values": levels}, "layer": [first, *bars, curves, marks, *_dense()]}


def _layer(mark: Spec, **encoding: object) -> Spec:
    return {"mark": mark, "encoding": {"x": X, "y": Y, **encoding}}


def _bars(field: str, axis: str, colour: Spec) -> Spec:
    """95 % intervals of one of the two numbers, where they are known."""
    ends = {
        axis: {**(X if axis == "x" else Y), "field": f"{field}_low"},
        f"{axis}2": {"field": f"{field}_high"},
    }
    known = {"transform": [{"filter": f"isValid(datum.{field}_low)"}]}
    opacity = chosen_opacity(0.45, 0.03, others=0.25)
    return _layer({"type": "rule"}, **ends, color=colour, opacity=opacity) | known


def _dense() -> list[Spec]:
    """The dense model, in words too: it saves nothing and retains all."""
    here = {"values": [{"saved": 0.0, "retained": 1.0}]}
    diamond = {"type": "point", "shape": "diamond", "filled": True, "size": 110, "color": "#777777"}
    label = {"type": "text", "text": "dense", "align": "left", "dx": 7, "dy": -8, "color": "#777777"}
    return [{**_layer(mark), "data": here} for mark in (diamond, label)]
