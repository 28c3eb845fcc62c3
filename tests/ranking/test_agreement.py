"""Whether two runs place methods alike."""

import numpy as np
import pytest

from harness.ranking._bootstrap import ScoreEstimates
from harness.ranking._controls import control_of
from harness.ranking.agreement import rank_agreement
from harness.ranking.leaderboard import leaderboards
from harness.ranking.ranks import ranking
from harness.storage.bits import encode_bits
from tests.doubles import made_row


def run(**rights):
    """Rows of methods that save half of dense's time, each with so many of 100 right by seed."""
    return [
        made_row(
            pruner=pruner, seed=seed, key=f"{pruner} {seed}", ms_saved=5.0, ms_saved_low=4.99,
            ms_saved_high=5.01, correct=encode_bits(np.arange(100) < right), top1=right / 100,
            retained=right / 100,
        )
        for pruner, by_seed in rights.items()
        for seed, right in enumerate(by_seed)
    ]  # fmt: skip


FIRST = {"a": (90, 91, 92), "b": (70, 71, 72), "c": (50, 51, 52)}


def test_a_run_agrees_with_itself():
    found = rank_agreement(run(**FIRST), run(**FIRST))
    assert (found.apart, found.swapped, found.tables, found.swap_tables) == (6, 0, 2, 0)
    assert (found.covered, found.scores, found.tau) == (3, 3, 1.0)


def test_pairs_that_swap_are_counted_in_both_directions():
    found = rank_agreement(run(**FIRST), run(a=(90, 91, 92), b=(40, 41, 42), c=(60, 61, 62)))
    assert (found.apart, found.swapped) == (6, 2)
    assert (found.tables, found.swap_tables) == (2, 2)
    assert found.tau == pytest.approx(1 / 3)
    assert found.covered < found.scores


def test_what_neither_tells_apart_claims_nothing():
    level = {"a": (70, 71, 72), "b": (72, 70, 71)}
    assert rank_agreement(run(**level), run(**level)).apart == 0


def test_boards_and_methods_of_one_run_alone_do_not_count():
    other = [{**row, "backend": "other"} for row in run(**FIRST)]
    found = rank_agreement(run(**FIRST), other)
    assert (found.tables, found.scores, found.tau) == (0, 0, None)
    assert rank_agreement(run(**FIRST), run(a=FIRST["a"], z=(10, 11, 12))).scores == 1


def test_methods_that_save_no_time_are_in_no_ranking():
    estimates = ScoreEstimates(
        intervals=np.zeros((2, 3)),
        by_seed=np.array([[0.5, 0.51], [0.1, 0.12]]),
        draws=np.random.default_rng(0).normal(0, 1e-4, (2, 50)).astype(np.float32),
    )
    names = [("a", "channel", "local", "one_shot"), ("b", "channel", "local", "one_shot")]
    found = ranking(names, estimates, [True, False], correction="holm")
    assert list(found.intervals) == names[:1]
    assert found.better == frozenset()


def test_the_control_of_a_method_s_own_scope_is_preferred():
    rows = [
        *run(random=(50, 51), a=(90, 91)),
        *({**row, "scope": "global", "key": f"{row['key']} global"} for row in run(random=(40, 41))),
    ]
    [board] = leaderboards(rows)
    [entry] = [entry for entry in board.entries if entry.method[0] == "a"]
    assert control_of(entry, board).method[2] == "local"
