"""Pictures of a run: one trade-off chart for each model and data set, a panel a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.presentation.board_titles import boards_by_model, panel_titles
from harness.presentation.level_points import LevelPoints
from harness.presentation.palette import palette
from harness.presentation.tradeoff_chart import tradeoff_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.presentation.chart import Chart
    from harness.ranking.leaderboard import Leaderboard


def tradeoff_pictures(boards: Sequence[Leaderboard]) -> dict[tuple[str, str], Chart]:
    """Trade-off charts by model and data set; colours are the same on all of them."""
    colours, points = palette(boards), LevelPoints()
    return {
        of: tradeoff_chart(own, colours, titles=panel_titles(own), points=points)
        for of, own in boards_by_model(boards).items()
    }
