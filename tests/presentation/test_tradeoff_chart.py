"""Trade-off charts: a panel a board, with every method's levels, the front, and dense."""

import pytest

from harness.presentation.level_points import LevelPoints
from harness.presentation.palette import CONTROL_COLOUR
from harness.presentation.tradeoff_chart import tradeoff_chart
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_row, made_rows

BEST = "group_norm_l2 channel local one_shot"
RANDOM = "random channel local one_shot"


def panels_of(rows, colours=None) -> list[dict]:
    boards = leaderboards(rows)
    titles = [f"panel {number}" for number in range(len(boards))]
    chart = tradeoff_chart(boards, colours or {}, titles=titles, points=LevelPoints())
    return chart.spec["concat"]


def over_batches(count: int):
    return [{**row, "batch": batch} for batch in range(1, count + 1) for row in made_rows()]


def test_each_board_has_a_panel_under_its_title():
    panels = panels_of(over_batches(2))
    assert [panel["title"] for panel in panels] == ["panel 0", "panel 1"]
    with pytest.raises(ValueError, match="shorter"):
        tradeoff_chart(leaderboards(made_rows()), {}, titles=[], points=LevelPoints())


@pytest.mark.parametrize(("boards", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3)])
def test_panels_stand_in_columns_that_a_page_holds(boards, columns):
    made = leaderboards(over_batches(boards))
    chart = tradeoff_chart(made, {}, titles=[b.title for b in made], points=LevelPoints())
    assert chart.spec["columns"] == columns
    assert sum(panel["width"] for panel in chart.spec["concat"][:columns]) < 1200


def test_a_panel_holds_every_level_as_the_series_it_is_drawn_as():
    [panel] = panels_of(made_rows(), {BEST: "#0072b2", RANDOM: CONTROL_COLOUR})
    levels = {
        (p["method"], p["kind"], p["series"], p["level"], p["saved"]) for p in panel["data"]["values"]
    }
    assert levels == {
        (BEST, "channel", BEST, 0.5, 4.0),
        (BEST, "channel", BEST, 0.9, 8.0),
        (RANDOM, "channel", "random", 0.5, 4.0),
        (RANDOM, "channel", "random", 0.9, 8.0),
        ("magnitude_l2 weight global one_shot", "weight", "other methods", 0.5, 0.0),
    }


def test_dense_is_marked_where_it_saves_nothing_and_retains_all():
    for panel in panels_of(over_batches(2)):
        *_, diamond, label = panel["layer"]
        assert (diamond["mark"]["shape"], label["mark"]["text"]) == ("diamond", "dense")
        for layer in (diamond, label):
            assert layer["data"]["values"] == [{"saved": 0.0, "retained": 1.0}]


def test_the_dotted_line_is_the_best_of_all_methods_together():
    rows = [
        made_row(pruner=pruner, sparsity=level, retained=retained, ms_saved=saved)
        for pruner, level, retained, saved in (
            ("a", 0.5, 0.95, 3.0), ("a", 0.9, 0.5, 8.0), ("b", 0.5, 0.9, 2.0), ("b", 0.9, 0.8, 6.0),
        )
    ]  # fmt: skip
    [panel] = panels_of(rows)
    front = panel["layer"][0]["data"]["values"]
    assert [(point["saved"], point["retained"]) for point in front] == [
        (3.0, 0.95),
        (6.0, 0.8),
        (8.0, 0.5),
    ]
