"""The area that is drawn is the score."""

from itertools import pairwise

import numpy as np
import pytest

from harness.presentation.level_points import LevelPoints
from harness.presentation.score_chart import score_chart
from harness.ranking.leaderboard import leaderboards
from harness.storage.bits import encode_bits
from tests.doubles import made_row


def entry_of(*levels: tuple[int, float]):
    """A method with so many of 100 images right (dense: 100) and of dense's 10 ms saved, by level."""
    rows = [
        made_row(
            sparsity=number / 10, correct=encode_bits(np.arange(100) < right), top1=right / 100,
            retained=right / 100, ms_saved=saved, latency_ms=10.0 - saved, saves_time=saved > 0,
        )
        for number, (right, saved) in enumerate(levels, 1)
    ]  # fmt: skip
    [board] = leaderboards(rows)
    [entry] = board.entries
    return entry


def drawn(entry) -> tuple[list[dict], list[dict]]:
    """Corners of the grey area, and the levels that are marked."""
    area, marks = score_chart(entry, LevelPoints()).spec["layer"]
    assert area["mark"]["interpolate"] == "step-before", "each step has the height of its right end"
    return area["data"]["values"], marks["data"]["values"]


@pytest.mark.parametrize(
    ("levels", "score"),
    [
        ([(90, 5.0)], 0.45),
        ([(90, 4.0), (60, 8.0)], 0.6),
        # One is worse than another on both counts, one as accurate, one slower than dense.
        ([(90, 4.0), (70, 3.0), (60, 8.0), (90, 2.0), (99, -1.0)], 0.6),
        ([(100, 2.0), (95, 4.0), (95, 6.0), (20, 9.0)], 0.2 + 0.38 + 0.06),
    ],
)
def test_the_area_as_drawn_is_the_score(levels, score):
    entry = entry_of(*levels)
    steps, marks = drawn(entry)
    area = sum((b["saved"] - a["saved"]) * b["retained"] for a, b in pairwise(steps))
    assert area / 10.0 == pytest.approx(score, abs=1e-6)
    assert entry.score == pytest.approx(score, abs=1e-6)
    assert len(marks) == len(levels), "all levels are marked, on the front or not"


def test_the_area_begins_at_no_saving_ends_at_the_widest_and_dense_is_all_there_is_to_save():
    entry = entry_of((90, 4.0), (60, 8.0))
    steps, _ = drawn(entry)
    assert [(step["saved"], step["retained"]) for step in steps] == [
        (0.0, 0.9), (4.0, 0.9), (8.0, 0.6), (8.0, 0.0),
    ]  # fmt: skip
    chart = score_chart(entry, LevelPoints())
    assert chart.spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0.0, 10.0]
    assert b"ms saved per batch" in chart.svg()
