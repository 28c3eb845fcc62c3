"""The same methods on several backends, and what of a promised speed-up comes true."""

from harness.presentation.comparison_charts import realised_chart, slope_chart
from harness.presentation.palette import palette
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_row


def boards():
    """Two methods on a slow and a fast backend, one of them without a saving on the slow one."""
    fast = {"backend": "fast", "latency_ms": 2.0, "ms_saved": 8.0}
    idle = {"latency_ms": 10.0, "ms_saved": 0.0, "saves_time": False}
    return leaderboards(
        [
            made_row(pruner="a", macs=200),
            made_row(pruner="idle", macs=1000, **idle),
            made_row(pruner="a", macs=200, **fast),
            made_row(pruner="idle", macs=250, **fast),
        ]
    )


def words(point, *names):
    return (point["method"].partition(" ")[0], *(point[name] for name in names))


def test_a_slope_leaves_out_who_saves_no_time_on_a_board():
    points = slope_chart(boards(), {}).spec["data"]["values"]
    assert {words(point, "board", "score") for point in points} == {
        ("a", "eager_cpu", 0.36), ("a", "fast", 0.72), ("idle", "fast", 0.72),
    }  # fmt: skip
    assert all(point["low"] < point["score"] < point["high"] for point in points)


def test_boards_of_a_slope_stand_in_the_order_of_their_mean_scores():
    for given in (boards(), boards()[::-1]):
        chart = slope_chart(given, palette(given))
        assert chart.spec["layer"][0]["encoding"]["x"]["sort"] == ["fast", "eager_cpu"]
    assert b">eager_cpu<" in chart.svg()


def test_promised_and_reached_speed_ups_by_hand():
    chart = realised_chart(boards(), {})
    points = chart.spec["data"]["values"]
    assert {words(point, "board", "promised", "reached") for point in points} == {
        ("a", "eager_cpu", 5.0, 1.6667), ("idle", "eager_cpu", 1.0, 1.0),
        ("a", "fast", 5.0, 5.0), ("idle", "fast", 4.0, 5.0),
    }  # fmt: skip
    assert b"speed-up reached" in chart.svg()


def test_the_dotted_line_is_where_all_that_was_promised_is_reached():
    dotted = realised_chart(boards(), {}).spec["layer"][0]["data"]["values"]
    assert [(end["promised"], end["reached"]) for end in dotted] == [(1.0, 1.0), (5.0, 5.0)]


def test_a_model_without_any_arithmetic_left_promises_no_more_than_a_number():
    made = leaderboards([made_row(macs=0)])
    [point] = realised_chart(made, {}).spec["data"]["values"]
    assert point["promised"] == 1000.0
