"""Trade-off chart: accuracy retained against milliseconds saved, a panel a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.publishing._level_points import LevelPoints, pareto_front
from harness.publishing._chart import PIXELS, Chart
from harness.publishing._palette import CONTROL_COLOUR, OTHER_COLOUR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.publishing._level_points import Point
    from harness.ranking.leaderboard import Leaderboard

Spec = dict[str, Any]
OTHERS, RANDOM = "other methods", "random"
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
CHOSEN = "length(chosen) == 0 || indexof(chosen, datum.method) >= 0"
"""Whether a point's method is among those that a reader chose, or none is."""
TOOLTIP = [
    {"field": "method", "type": "nominal"},
    {"field": "level", "type": "quantitative", "format": ".3~g"},
    {"field": "top1", "type": "quantitative", "title": "top-1", "format": ".1%"},
    {"field": "retained", "type": "quantitative", "format": ".3f"},
    {"field": "saved", "type": "quantitative", "title": "ms saved", "format": ".3~g"},
    {"field": "speedup", "type": "quantitative", "title": "speed-up", "format": ".2f"},
    {"field": "realised", "type": "quantitative", "format": ".0%"},
]


def tradeoff_chart(
    boards: Sequence[Leaderboard],
    colours: Mapping[str, str],
    *,
    titles: Sequence[str],
    points: LevelPoints | None = None,
) -> Chart:
    """Trade-off chart of several boards, those methods in colour that `colours` has one for.

    Bars are 95 % intervals, the dotted step is the best accuracy for each saving (Pareto front).
    """
    maker = points or LevelPoints()
    columns = min(len(boards), 2 if len(boards) <= 4 else 3)
    width = (PIXELS - 80) // columns - 70
    size = {"width": width, "height": round(width * 0.62)}
    named = {name for board in boards for name in (entry.name for entry in board.entries)}
    scale = _colour_scale({name: colours[name] for name in colours if name in named})
    panels = [
        {**size, "title": title, "layer": _layers(board, colours, maker, scale)}
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


def _layers(
    board: Leaderboard, colours: Mapping[str, str], maker: LevelPoints, scale: Spec
) -> list[Spec]:
    points = [
        {**point, "series": _series(point["method"], colours)}
        for entry in board.entries
        for point in maker.of(entry)
    ]
    colour = {"field": "series", "type": "nominal", "scale": scale, "legend": _legend(scale)}
    return [
        _front(pareto_front(points)),
        _bars(points, colour, "saved", "x"),
        _bars(points, colour, "retained", "y"),
        _curves(points, colour),
        _marks(points, colour),
        *_dense(),
    ]


def _series(method: str, colours: Mapping[str, str]) -> str:
    if colours.get(method) == CONTROL_COLOUR:
        return RANDOM
    return method if method in colours else OTHERS


def _colour_scale(colours: Mapping[str, str]) -> Spec:
    """Colour scale of the named methods, of random ones and of the others, the same in every panel."""
    own = {name: colour for name, colour in colours.items() if colour != CONTROL_COLOUR}
    known = own | {RANDOM: CONTROL_COLOUR, OTHERS: OTHER_COLOUR}
    return {"domain": [*known], "range": [*known.values()]}


def _legend(scale: Spec) -> Spec:
    columns = 3 if len(scale["domain"]) > 2 else 2
    return {"orient": "bottom", "title": None, "columns": columns, "symbolType": "stroke"}


def _axes(points: Sequence[Point]) -> Spec:
    return {
        "data": {"values": [*points]},
        "encoding": {
            "x": {"field": "saved", "type": "quantitative", "title": "ms saved per batch"},
            "y": {
                "field": "retained", "type": "quantitative", "title": "accuracy retained",
                "scale": {"zero": False},
            },
        },
    }  # fmt: skip


def _layer(points: Sequence[Point], mark: Spec, **encoding: object) -> Spec:
    spec = _axes(points)
    return {**spec, "mark": mark, "encoding": {**spec["encoding"], **encoding}}


def _front(front: Sequence[Point]) -> Spec:
    mark = {"type": "line", "interpolate": "step-before", "strokeDash": [2, 3], "color": "#888888"}
    return _layer(front, mark)


def _bars(points: Sequence[Point], colour: Spec, field: str, axis: str) -> Spec:
    """Intervals of one of the two numbers, where they are known."""
    known = [point for point in points if point[f"{field}_low"] is not None]
    ends = {axis: {**_axes(known)["encoding"][axis], "field": f"{field}_low"},
            f"{axis}2": {"field": f"{field}_high"}}  # fmt: skip
    opacity = _where_chosen(0.45, 0.03, others=0.25)
    return _layer(known, {"type": "rule"}, **ends, color=colour, opacity=opacity)


def _curves(points: Sequence[Point], colour: Spec) -> Spec:
    return _layer(
        points,
        {"type": "line", "strokeWidth": 1.6},
        color=colour,
        detail={"field": "method", "type": "nominal"},
        order={"field": "level", "type": "quantitative"},
        opacity=_where_chosen(1.0, 0.06, others=0.5),
    )


def _marks(points: Sequence[Point], colour: Spec) -> Spec:
    shapes = {"domain": ["channel", "weight"], "range": ["circle", "cross"]}
    return _layer(
        points,
        {"type": "point", "filled": True, "size": 42},
        color=colour,
        shape={"field": "kind", "type": "nominal", "scale": shapes, "legend": None},
        opacity=_where_chosen(1.0, 0.06, others=0.6),
        tooltip=TOOLTIP,
    )


def _where_chosen(chosen: float, away: float, *, others: float) -> Spec:
    """Opacity of what a reader chose, of what they did not, and of methods without a colour."""
    return {
        "condition": [
            {"test": f"!({CHOSEN})", "value": away},
            {"test": f"datum.series == '{OTHERS}' && length(chosen) == 0", "value": others},
        ],
        "value": chosen,
    }


def _dense() -> list[Spec]:
    """The dense model: it saves nothing and retains all."""
    here = [{"saved": 0.0, "retained": 1.0, "method": "dense"}]
    diamond = {"type": "point", "shape": "diamond", "filled": True, "size": 110, "color": "#555555"}
    label = {"type": "text", "text": "dense", "align": "left", "dx": 7, "dy": -8, "color": "#555555"}
    return [_layer(here, diamond), _layer(here, label)]
