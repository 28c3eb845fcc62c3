"""Columns of a leaderboard against numbers worked out by hand."""

import numpy as np
import pytest

from harness.presentation.board_table import (
    BOARD_COLUMNS,
    board_latex,
    board_table,
    boards_frame,
    shared_words,
)
from harness.ranking.leaderboard import RankingRule, leaderboards
from harness.storage.bits import encode_bits
from tests.doubles import made_row, made_rows


def level(right: int, saved: float, **columns):
    """A row with `right` of 100 images right (dense: 100) and `saved` of dense's 10 ms saved."""
    measured = {
        "correct": encode_bits(np.arange(100) < right), "top1": right / 100, "retained": right / 100,
        "latency_ms": 10.0 - saved, "ms_saved": saved, "ms_saved_low": saved - 0.25,
        "ms_saved_high": saved + 0.25, "saves_time": saved > 0,
    }  # fmt: skip
    return made_row(**measured | columns)


def test_two_methods_by_hand():
    fast = level(
        90, 6.0, pruner="fast", macs=200, retained_per_ms_saved=0.15, fps=250.0, energy_j=0.0125,
        size_mb=1.234,
    )  # fmt: skip
    idle = level(
        99, 0.0, pruner="idle", granularity="weight", sparsity=0.8, macs=500, fps=100.0,
        retained_per_ms_saved=None, top1_backend=0.985,
    )  # fmt: skip
    [board] = leaderboards([idle, fast])
    table = board_table(board.entries)
    first, second = (dict(zip(table.headers, texts, strict=True)) for texts in table.texts())
    assert first.pop("score").startswith("0.540 (0."), "0.9 of the accuracy for 6 of 10 ms"
    assert first == {
        "rank": "-", "pruner": "fast", "granularity": "channel", "scope": "local",
        "schedule": "one_shot", "level": "0.5", "top-1": "90.0%", "retained": "0.900", "ms": "4",
        "ms saved": "6 (5.75 to 6.25)", "speed-up": "2.50x", "ms at 0.99": "not reached",
        "realised": "50%", "retained / ms saved": "0.15", "FPS": "250", "MB": "1.23", "mJ": "12.5",
    }  # fmt: skip
    assert second == {
        "rank": "-", "pruner": "idle", "granularity": "weight", "scope": "local",
        "schedule": "one_shot", "score": "saves no time", "level": "0.8", "top-1": "98.5%",
        "retained": "0.990", "ms": "10", "ms saved": "0 (-0.25 to 0.25)", "speed-up": "1.00x",
        "ms at 0.99": "10", "realised": "50%", "retained / ms saved": "-", "FPS": "100",
        "MB": "10.00", "mJ": "-",
    }  # fmt: skip


def test_seeds_are_averaged_and_ranks_are_intervals():
    rights = {"a": (90, 89, 91), "b": (89, 90, 90), "c": (40, 41, 39)}
    [board] = leaderboards(
        [
            level(right, 5.0 + seed, pruner=pruner, seed=seed)
            for pruner, by_seed in rights.items()
            for seed, right in enumerate(by_seed)
        ]
    )
    table = board_table(board.entries, ("pruner", "rank", "top1", "ms_saved", "speedup", "seeds"))
    assert sorted(table.texts()) == [
        ["a", "1 to 2", "90.0%", "6 (5.75 to 6.25)", "2.50x", "3"],
        ["b", "1 to 2", "89.7%", "6 (5.75 to 6.25)", "2.50x", "3"],
        ["c", "3", "40.0%", "6 (5.75 to 6.25)", "2.50x", "3"],
    ]
    frame = table.frame().set_index("pruner")
    assert frame.loc["c", ["rank", "rank_low", "rank_high"]].tolist() == ["3", 3, 3]
    assert frame.loc["a", ["rank", "rank_low", "rank_high"]].tolist() == ["1 to 2", 1, 2]


def test_the_header_says_which_accuracy_the_time_is_at():
    [board] = leaderboards([level(96, 4.0)], rule=RankingRule(floor=0.95))
    table = board_table(board.entries, ("pruner", "ms_at_floor"))
    assert table.headers == ["pruner", "ms at 0.95"]
    assert table.texts() == [["group_norm_l2", "6"]]
    assert BOARD_COLUMNS["ms_at_floor"].header == "ms at floor", "the column itself stays as it was"


def test_a_frame_holds_every_entry_beside_the_conditions_of_its_board():
    rows = made_rows()
    frame = boards_frame(leaderboards([*rows, *({**row, "batch": 32} for row in rows)]))
    pruners = ["group_norm_l2", "random", "magnitude_l2"]
    assert list(zip(frame.batch, frame.pruner, strict=True)) == [
        (batch, pruner) for batch in (1, 32) for pruner in pruners
    ]
    assert (frame.score_low <= frame.score).all()
    assert (frame.score <= frame.score_high).all()
    assert set(frame.recipe.str.partition(",")[0]) == {"dense_epochs 12.0"}


def test_a_tabular_says_its_conditions_in_a_comment_that_no_name_ends():
    [board] = leaderboards([level(90, 4.0, model="two\nlines", pruner="a_b")])
    comment, begin, *_, end = board_latex(board).splitlines()
    assert comment.startswith("% two lines on digits, eager_cpu, batch 1, 1 thread; dense_epochs 12.0")
    assert begin.startswith("\\begin{tabular}{")
    assert end == "\\end{tabular}"
    assert "a\\_b" in board_latex(board)


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({}, {"granularity": "channel", "scope": "local", "schedule": "one_shot"}),
        ({"scope": "global"}, {"granularity": "channel", "schedule": "one_shot"}),
        # What a channel's score is made of is a word of the table too.
        ({"reduction": "group"}, {"scope": "local", "schedule": "one_shot"}),
    ],
)
def test_words_that_all_methods_share_are_named_and_the_pruner_never_is(other, shared):
    [board] = leaderboards([level(90, 4.0, pruner="a"), level(80, 4.0, pruner="b", **other)])
    assert shared_words(board.entries) == shared
    assert shared_words(board.entries[:1]) == shared_words([]) == {}


def test_lines_of_mixed_machines_name_them_all():
    rows = [level(90, 6.0, key=name, seed=n, device=name, cores=n) for n, name in ((2, "A"), (8, "B"))]
    [board] = leaderboards(rows, rule=RankingRule(mix_machines=True))
    [line] = boards_frame([board]).to_dict("records")
    assert (line["device"], line["cores"], line["backend"]) == ("A, B", "2, 8", "eager_cpu")
    [board] = leaderboards(rows[:1], rule=RankingRule(mix_machines=True))
    [line] = boards_frame([board]).to_dict("records")
    assert (line["device"], line["cores"]) == ("A", 2)
