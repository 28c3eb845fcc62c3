"""The picture: accuracy retained against milliseconds saved."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = {"weight": "x", "channel": "o"}


class Tradeoff:
    """tradeoff.png: accuracy retained against ms saved, one panel a leaderboard."""

    name = "tradeoff"

    def render(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
        """One panel for each set of conditions; nothing where no row was measured."""
        boards = [board for board in harness.leaderboards(rows) if board.entries]
        if not boards:
            return {}
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        columns = min(2, len(boards))
        lines = -(-len(boards) // columns)
        figure = Figure(figsize=(6.2 * columns, 3.9 * lines + 1.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        pruners = sorted({s.method[0] for board in boards for s in board.entries})
        for axis, board in zip(axes, boards, strict=False):
            _panel(axis, board, pruners)
        for axis in axes[len(boards) :]:
            axis.set_axis_off()
        handles = {
            label: h
            for axis in axes
            for h, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=7)
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=110)
        return {"tradeoff.png": image.getvalue()}


def _panel(axis: Axes, board: harness.Leaderboard, pruners: Sequence[str]) -> None:
    schedules = sorted({s.method[3] for s in board.entries})
    dashes = ["-", "--", ":", "-."]
    for entry in board.entries:
        pruner, granularity, _, schedule = entry.method
        what = granularity.partition(":")[0]
        seeds = sorted({row["seed"] for row in entry.rows})
        mine = [row for row in entry.rows if row["seed"] == seeds[0]]
        axis.plot(
            [row["ms_saved"] for row in mine],
            [row["retained"] for row in mine],
            color=_colour(pruners.index(pruner), len(pruners)),
            linestyle=dashes[schedules.index(schedule) % 4] if what == "channel" else "none",
            marker=MARKERS.get(what, "s"),
            markersize=4,
            linewidth=1.2,
            label=entry.name.replace("_", " ").replace("$", ""),
        )
    axis.axvline(0.0, color="grey", linewidth=0.6)
    axis.set_title(board.title.replace("$", ""), fontsize=9)
    axis.set_xlabel("ms saved per batch")
    axis.set_ylabel("accuracy retained")
    axis.grid(visible=True, linewidth=0.3)


def _colour(place: int, count: int) -> tuple[float, ...]:
    """One that nobody else of so many has."""
    import matplotlib as mpl

    if count <= 10:
        return tuple(mpl.colormaps["tab10"](place))
    # Neighbours in the list are often variants of one another: every second colour, then the others.
    spread = place // 2 + place % 2 * ((count + 1) // 2)
    return tuple(mpl.colormaps["turbo"]((spread + 0.5) / count))


@harness.hookimpl
def harness_reporters() -> Iterable[harness.Reporter]:
    """Offer the trade-off picture."""
    return [Tradeoff()]
