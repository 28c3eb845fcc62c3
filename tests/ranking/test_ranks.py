"""Who may still be among the best few, and when that is decided."""

import numpy as np

from harness.ranking.leaderboard import leaderboards
from harness.ranking.ranks import contenders
from harness.storage.bits import encode_bits
from tests.doubles import made_row


def rankings(**rights):
    """Ranking of methods that save half of the time, each with so many of 100 right by seed."""
    rows = [
        made_row(
            pruner=pruner, seed=seed, key=f"{pruner} {seed}", ms_saved=5.0, ms_saved_low=4.99,
            ms_saved_high=5.01, correct=encode_bits(np.arange(100) < right), top1=right / 100,
            retained=right / 100,
        )
        for pruner, by_seed in rights.items()
        for seed, right in enumerate(by_seed)
    ]  # fmt: skip
    return [board.ranking for board in leaderboards(rows)]


RIGHTS = {"a": (90, 89, 91), "b": (89, 91, 90), "c": (60, 61, 62), "d": (30, 31, 32)}


def names(found):
    return sorted(method[0] for method in found)


def test_who_shares_the_last_place_contends_with_those_before():
    assert names(contenders(rankings(**RIGHTS), 1)) == ["a", "b"]


def test_a_podium_that_is_decided_has_no_contenders():
    assert names(contenders(rankings(**RIGHTS), 2)) == []
    assert names(contenders(rankings(**RIGHTS), 3)) == []


def test_one_seed_ranks_nobody():
    assert names(contenders(rankings(a=(90,), b=(89,)), 1)) == []


def test_a_podium_that_one_board_leaves_open_is_open():
    decided, opened = rankings(a=(90, 91), b=(50, 51)), rankings(c=(90, 91), d=(91, 90))
    assert names(contenders([*decided, *opened], 1)) == ["c", "d"]
