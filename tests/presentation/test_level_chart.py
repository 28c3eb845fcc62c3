"""One method by level, a line a board."""

from xml.etree import ElementTree

from harness.presentation.level_chart import level_chart
from harness.presentation.level_points import LevelPoints
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_rows

METHOD = "random channel local one_shot"


def standing(rows):
    """The method on every board that it is on."""
    return [(b, e) for b in leaderboards(rows) for e in b.entries if e.name == METHOD]


def over_batches():
    return [{**row, "batch": batch} for batch in (1, 8) for row in made_rows()]


def test_each_board_is_a_line_of_the_methods_own_levels():
    values = level_chart(standing(over_batches()), LevelPoints()).spec["data"]["values"]
    assert [(p["board"], p["level"], p["saved"], p["retained"]) for p in values] == [
        ("eager_cpu, batch 1", 0.5, 4.0, 0.9),
        ("eager_cpu, batch 1", 0.9, 8.0, 0.9),
        ("eager_cpu, batch 8", 0.5, 4.0, 0.9),
        ("eager_cpu, batch 8", 0.9, 8.0, 0.9),
    ]
    assert {point["method"] for point in values} == {METHOD}


def test_one_panel_says_what_is_retained_and_one_what_is_saved():
    chart = level_chart(standing(over_batches()), LevelPoints())
    texts = list(ElementTree.fromstring(chart.svg()).itertext())  # noqa: S314 -- its own
    assert {"accuracy retained", "ms saved", "eager_cpu, batch 1", "eager_cpu, batch 8"} <= set(texts)


def test_a_level_without_an_interval_has_no_bar():
    def bars(rows) -> int:
        return (
            level_chart(standing(rows), LevelPoints()).svg().count(b'aria-roledescription="rule mark"')
        )

    # A bar at both levels, of what is retained and of what is saved.
    assert bars(made_rows()) == 4
    assert bars([{**row, "correct": None} for row in made_rows()]) == 2
