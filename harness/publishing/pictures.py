"""Pictures of a run: one trade-off chart for each model and data set, a panel a board."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from harness.publishing._palette import palette
from harness.publishing._tradeoff_chart import tradeoff_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.publishing._chart import Chart
    from harness.ranking.leaderboard import Leaderboard

TOLD_APART = ("batch", "threads", "device", "runtime", "target", "recipe_text")
"""Conditions that a panel's title names where a model's boards differ in them."""


def tradeoff_pictures(boards: Sequence[Leaderboard]) -> dict[tuple[str, str], Chart]:
    """Trade-off charts by model and data set; colours are the same on all of them."""
    colours = palette(boards)
    return {
        of: tradeoff_chart(own, colours, titles=panel_titles(own))
        for of, own in boards_by_model(boards).items()
    }


def boards_by_model(boards: Sequence[Leaderboard]) -> dict[tuple[str, str], list[Leaderboard]]:
    """Boards that rank anything, by model and data set."""
    by_model: dict[tuple[str, str], list[Leaderboard]] = defaultdict(list)
    for board in boards:
        if board.entries:
            by_model[board.conditions["model"], board.conditions["dataset"]].append(board)
    return dict(by_model)


def panel_titles(boards: Sequence[Leaderboard]) -> list[str]:
    """Titles of boards of one model: the backend, and what else tells them apart."""
    unlike = [name for name in TOLD_APART if len({board.conditions[name] for board in boards}) > 1]
    return [
        ", ".join([board.conditions["backend"], *(_words(name, board.conditions) for name in unlike)])
        for board in boards
    ]


def _words(name: str, conditions: Mapping[str, Any]) -> str:
    value = conditions[name]
    if name in ("batch", "threads"):
        return f"{name} {value}"
    return f"levels of {value}" if name == "target" else str(value)
