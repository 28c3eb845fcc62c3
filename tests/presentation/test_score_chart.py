"""The area that is drawn is the score."""

from itertools import pairwise

import numpy as np
import pytest

from harness.presentation.score_chart import score_chart
from harness.ranking.leaderboard import leaderboards
from harness.storage.bits import encode_bits
from tests.doubles import made_row

HALF = encode_bits(np.arange(100) < 50)
"""Of a dense network that is right in fewer images than what was pruned of it."""


def entry_of(*levels: tuple[int, float], **columns):
    """A method with so many of 100 images right (dense: 100) and of dense's 10 ms saved, by level."""
    rows = [
        made_row(
            sparsity=number / 10, correct=encode_bits(np.arange(100) < right), ms_saved=saved,
            latency_ms=10.0 - saved,
            **{"top1": right / 100, "retained": right / 100, "saves_time": saved > 0} | columns,
        )
        for number, (right, saved) in enumerate(levels, 1)
    ]  # fmt: skip
    [board] = leaderboards(rows)
    [entry] = board.entries
    return entry


def drawn(entry, seed=0) -> tuple[list[dict], list[dict]]:
    """Corners of the grey area, and the levels that are marked."""
    area, marks = score_chart(entry, seed).spec["layer"]
    assert area["mark"]["interpolate"] == "step-before", "each step has the height of its right end"
    return area["data"]["values"], marks["data"]["values"]


def area_of(steps) -> float:
    return sum((b["saved"] - a["saved"]) * b["retained"] for a, b in pairwise(steps)) / 10.0


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
    assert area_of(steps) == pytest.approx(score, abs=1e-6)
    assert entry.score == pytest.approx(score, abs=1e-6)
    assert len(marks) == sum(saved > 0 for _, saved in levels)


@pytest.mark.parametrize(
    "columns",
    [{"chance": 0.2}, {"dense_top1": 0.5, "dense_correct": HALF}, {"saves_time": False}, {"seed": 1}],
    ids=["above chance", "no more than all", "within the noise", "seed by seed"],
)
def test_it_is_the_score_by_the_rules_of_the_score(columns):
    entry = entry_of((60, 5.0), (40, 8.0), **columns)
    assert area_of(drawn(entry, columns.get("seed", 0))[0]) == pytest.approx(entry.score, abs=1e-6)


def test_dense_latency_is_all_there_is_to_save():
    chart = score_chart(entry_of((90, 4.0), (60, 8.0)), 0)
    assert chart.spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0.0, 10.0]
    assert b"ms saved per batch" in chart.svg()
