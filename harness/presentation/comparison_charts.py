"""Comparison charts: the same methods on several backends, and what speed-up comes true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.presentation._series import Series, chosen_opacity
from harness.presentation.board_titles import panel_titles
from harness.presentation.chart import SCHEMA, Chart
from harness.storage.row import speedup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.ranking.leaderboard import Entry, Leaderboard

Spec = dict[str, Any]


def slope_chart(boards: Sequence[Leaderboard], colours: Mapping[str, str]) -> Chart:
    """Slope chart of scores: a line a method, a column a board, in the order of mean scores."""
    series = Series(boards, colours)
    titles = _by_mean_score(boards)
    points = [
        {
            "method": entry.name,
            "series": series.of(entry.name),
            "board": title,
            "score": round(entry.score, 4),
            "low": round(entry.low, 4),
            "high": round(entry.high, 4),
        }
        for title, board in titles.items()
        for entry in board.entries
        if entry.saves_time
    ]
    axis = {"labelAngle": -35, "labelLimit": 220}
    x = {"field": "board", "type": "nominal", "sort": [*titles], "title": None, "axis": axis}
    y = {"field": "score", "type": "quantitative", "title": "score"}
    shared = {"x": x, "y": y, "color": series.colour(), "detail": {"field": "method"}}
    bars = {**shared, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    layers = [
        _layer("rule", bars, chosen_opacity(0.35, 0.03, others=0.12)),
        _layer("line", shared, chosen_opacity(1.0, 0.06, others=0.45)),
        _layer(
            "point",
            {**shared, "tooltip": _tooltip("board", "score", "low", "high")},
            chosen_opacity(1.0, 0.06, others=0.6),
        ),
    ]
    return _chart(points, layers, width=max(320, min(1040, 110 * len(titles))), height=360)


def realised_chart(boards: Sequence[Leaderboard], colours: Mapping[str, str]) -> Chart:
    """Chart of speed-up reached against promised by MACs: a point a method and board."""
    series = Series(boards, colours)
    points: list[Spec] = [
        {
            "method": entry.name,
            "series": series.of(entry.name),
            "board": title,
            "promised": round(_promised(entry), 4),
            "reached": round(speedup(entry.best), 4),
        }
        for title, board in zip(panel_titles(boards), boards, strict=True)
        for entry in board.entries
    ]
    promised = [point["promised"] for point in points]
    ends = (min(promised, default=1.0), max(promised, default=1.0))
    even = [{"promised": end, "reached": end} for end in ends]
    log = {"type": "quantitative", "scale": {"type": "log", "nice": False}}
    x = {**log, "field": "promised", "title": "speed-up that multiply-accumulates promise"}
    y = {**log, "field": "reached", "title": "speed-up reached"}
    own = {
        "x": x,
        "y": y,
        "color": series.colour(),
        "tooltip": _tooltip("board", "promised", "reached"),
    }
    dotted = {"type": "line", "strokeDash": [2, 3], "color": "#888888"}
    layers = [
        {"data": {"values": even}, "mark": dotted, "encoding": {"x": x, "y": y}},
        _layer("point", own, chosen_opacity(0.9, 0.06, others=0.5)),
    ]
    return _chart(points, layers, width=520, height=340)


def _layer(kind: str, encoding: Spec, opacity: Spec) -> Spec:
    mark = {"type": kind, "filled": True, "size": 42} if kind == "point" else {"type": kind}
    return {"mark": mark, "encoding": {**encoding, "opacity": opacity}}


def _tooltip(*names: str) -> list[Spec]:
    return [{"field": name} for name in ("method", *names)]


def _by_mean_score(boards: Sequence[Leaderboard]) -> dict[str, Leaderboard]:
    """Boards by title, that of the highest scores first."""
    titled = zip(panel_titles(boards), boards, strict=True)
    return dict(sorted(titled, key=lambda pair: (-_mean_score(pair[1]), pair[0])))


def _mean_score(board: Leaderboard) -> float:
    return sum(entry.score for entry in board.entries) / max(len(board.entries), 1)


def _promised(entry: Entry) -> float:
    return float(entry.best["dense_macs"] / max(entry.best["macs"], 1))


def _chart(points: Sequence[Spec], layers: Sequence[Spec], *, width: int, height: int) -> Chart:
    return Chart(
        spec={
            "$schema": SCHEMA,
            "params": [{"name": "chosen", "value": []}],
            "data": {"values": [*points]},
            "width": width,
            "height": height,
            "layer": [*layers],
        }
    )
