"""The ranking as a Markdown page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import harness

HEADERS = (
    "rank", "pruner", "granularity", "scope", "schedule", "score", "95 %", "best level", "top-1",
    "retained", "ms", "ms saved", "95 %", "speed-up", "ms at floor", "realised",
    "retained / ms saved", "FPS", "MB", "mJ",
)  # fmt: skip
MARKUP = re.compile(r"[\\`*{}\[\]<>#|~]|(?<![^\W_])_|_(?![^\W_])")
"""What starts Markdown; an underscore inside a word does not."""
INTRODUCTION = """# Leaderboard

Methods are ranked by *score*: the accuracy above chance retained per millisecond saved, averaged over \
every millisecond there is to save (0 to 1, higher is better). A rank is an interval: from 1 and the \
methods that are surely better, to those that are not surely worse, by differences between seeds. A \
method that saves no time beyond the noise has none, and one seed gives none. \
*best level* is the sparsity that adds most to the score; the columns after it belong to it. \
*ms at floor* is the least time at which it retains 99 % of dense accuracy, or what --floor says. \
*realised* is the speed-up over the one that fewer multiply-accumulates promise. *channel (group)* \
scores a channel by all that leaves with it, *channel (filters)* by the layers that make it. `-` marks \
an empty value.
"""


class LeaderboardPage:
    """leaderboard.md: methods ranked on each backend, the dense line, and what the table shows."""

    name = "leaderboard"

    def render(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
        """One section for each set of conditions, then the cells that could not run."""
        sections = [INTRODUCTION, *map(_section, harness.leaderboards(rows)), *_missing(rows)]
        return {"leaderboard.md": ("\n".join(sections)).encode()}


def _section(board: harness.Leaderboard) -> str:
    from tabulate import tabulate

    lines = [_cells(entry) for entry in board.entries]
    table = tabulate(lines, headers=HEADERS, tablefmt="pipe", disable_numparse=True)
    notes = "\n".join(f"- {_escaped(text)}" for text in harness.remarks(board))
    facts = f"{board.conditions['device']}; {board.conditions['recipe_text']}"
    return f"## {_escaped(board.title)}\n\n{_escaped(facts)}\n\n{table}\n\n{notes}\n"


def _cells(entry: harness.Entry) -> list[str]:
    best = entry.best
    return [
        str(entry.rank or "-"),
        *map(_escaped, entry.shown_method),
        f"{entry.score:.3f}",
        f"{entry.low:.3f} to {entry.high:.3f}",
        f"{best['sparsity']:g}",
        f"{harness.shown_top1(best):.1%}",
        _number(best["retained"], "{:.3f}"),
        f"{best['latency_ms']:.3g}",
        f"{best['ms_saved']:.3g}",
        f"{best['ms_saved_low']:.3g} to {best['ms_saved_high']:.3g}",
        f"{best['dense_latency_ms'] / best['latency_ms']:.2f}x",
        "not reached" if entry.ms_at_floor is None else f"{entry.ms_at_floor:.3g}",
        f"{harness.speedup_realised(best):.0%}",
        _number(best["retained_per_ms_saved"], "{:.3g}"),
        f"{best['fps']:.0f}",
        f"{best['size_mb']:.2f}",
        _number(best["energy_j"], "{:.3g}", 1000.0),
    ]


def _number(value: float | None, form: str, scale: float = 1.0) -> str:
    return "-" if value is None else form.format(scale * value)


def _missing(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    from tabulate import tabulate

    counted: dict[tuple[str, ...], int] = {}
    for row in rows:
        if row["status"] != "ok":
            names = ("status", "model", "pruner", "granularity", "schedule", "backend", "reason")
            found = tuple(_escaped(row[name]) for name in names)
            counted[found] = counted.get(found, 0) + 1
    if not counted:
        return []
    lines = [[*found[:-1], count, found[-1]] for found, count in counted.items()]
    headers = ("status", "model", "pruner", "granularity", "schedule", "backend", "cells", "reason")
    return [
        "## Cells without a measurement\n",
        tabulate(lines, headers=headers, tablefmt="pipe"),
        "",
    ]


def _escaped(text: str) -> str:
    """Names and reasons come from plugins: they must not end a cell or start markup."""
    return " ".join(MARKUP.sub(r"\\\g<0>", text).split())


@harness.hookimpl
def harness_reporters() -> Iterable[harness.Reporter]:
    """Offer the leaderboard page."""
    return [LeaderboardPage()]
