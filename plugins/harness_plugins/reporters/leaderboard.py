"""The ranking as a Markdown page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import harness

INTRODUCTION = """# Leaderboard

Methods are ranked by *score*: the accuracy above chance retained per millisecond saved, averaged over \
every millisecond there is to save (0 to 1, higher is better). A rank is an interval: from 1 and the \
methods that are surely better, to those that are not surely worse, by differences between seeds. A \
method that saves no time beyond the noise has none, and one seed gives none. \
*level* is the sparsity that adds most to the score; the columns after it belong to it. \
*ms at 0.99* is the least time at which it retains 99 % of dense accuracy, or what --floor says. \
*realised* is the speed-up over the one that fewer multiply-accumulates promise. *channel (group)* \
scores a channel by all that leaves with it, *channel (filters)* by the layers that make it. `-` marks \
an empty value.
"""


LEAST_BOARDS = 3
"""From which on a page has a list of them."""


class LeaderboardPage:
    """leaderboard.md, .tex and .csv: methods ranked on each backend, and what the tables show."""

    name = "leaderboard"

    def render(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
        """One section or table for each set of conditions; on the page, then, what could not run."""
        boards = harness.leaderboards(rows)
        apart = [f"{harness.escaped_markdown(text)}\n" for text in harness.recipe_sentences(boards)]
        page = [INTRODUCTION, *apart, *_contents(boards), *map(_section, boards), *_missing(rows)]
        return {
            "leaderboard.md": "\n".join(page).encode(),
            "leaderboard.tex": "\n".join(map(harness.board_latex, boards)).encode(),
            "leaderboard.csv": harness.csv_text(harness.boards_frame(boards)),
        }


def _contents(boards: Sequence[harness.Leaderboard]) -> list[str]:
    """Links to the sections, where there are more than one sees at once."""
    if len(boards) < LEAST_BOARDS:
        return []
    links = [f"- [{harness.escaped_markdown(b.title)}](#{_anchor(b.title)})" for b in boards]
    return ["\n".join([*links, ""])]


def _anchor(title: str) -> str:
    """As GitHub and most others name a heading: lower case, words joined, no punctuation."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _section(board: harness.Leaderboard) -> str:
    table = harness.board_table(board.entries).markdown()
    facts = f"{board.conditions['device']}; {board.conditions['recipe_text']}"
    title, facts, *notes = map(harness.escaped_markdown, (board.title, facts, *harness.remarks(board)))
    listed = "\n".join(f"- {note}" for note in notes)
    return f"## {title}\n\n{facts}\n\n{table}\n\n{listed}\n"


def _missing(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    from tabulate import tabulate

    counted: dict[tuple[str, ...], int] = {}
    for row in rows:
        if row["status"] != "ok":
            names = ("status", "model", "pruner", "granularity", "schedule", "backend", "reason")
            found = tuple(harness.escaped_markdown(row[name]) for name in names)
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


@harness.hookimpl
def harness_reporters() -> Iterable[harness.Reporter]:
    """Offer the leaderboard page."""
    return [LeaderboardPage()]
