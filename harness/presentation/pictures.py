"""Pictures of a run: one trade-off chart for each model and data set, a panel a board."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from harness.presentation.level_points import LevelPoints
from harness.presentation.palette import palette
from harness.presentation.tradeoff_chart import tradeoff_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.presentation.chart import Chart
    from harness.ranking.leaderboard import Leaderboard

TOLD_APART = ("batch", "threads", "device", "runtime", "target", "recipe_text")
"""Conditions that a panel's title names where boards of its backend differ in them."""


def tradeoff_pictures(boards: Sequence[Leaderboard]) -> dict[tuple[str, str], Chart]:
    """Trade-off charts by model and data set; colours are the same on all of them."""
    colours, points = palette(boards), LevelPoints()
    return {
        of: tradeoff_chart(own, colours, titles=panel_titles(own), points=points)
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
    values: dict[tuple[str, str], set[Any]] = defaultdict(set)
    for board in boards:
        for name in TOLD_APART:
            values[board.conditions["backend"], name].add(board.conditions[name])
    return [_panel_title(board.conditions, values) for board in boards]


def _panel_title(facts: Mapping[str, Any], values: Mapping[tuple[str, str], set[Any]]) -> str:
    backend = facts["backend"]
    unlike = [name for name in TOLD_APART if len(values[backend, name]) > 1]
    return ", ".join([backend, *(_words(name, facts) for name in unlike)])


def _words(name: str, conditions: Mapping[str, Any]) -> str:
    value = conditions[name]
    if name in ("batch", "threads"):
        return f"{name} {value}"
    return f"levels of {value}" if name == "target" else str(value)
