"""Numbers that cannot both be true are said on the board, and rank nobody."""

import pytest

from harness.ranking._contradictions import contradiction_sentences
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_row


def board_of(*rows):
    dense = made_row(
        key="dense", pruner="dense", sparsity=0.0, latency_ms=10.0, ms_saved=0.0, saves_time=False,
        macs=1000, params_nonzero=2000,
    )  # fmt: skip
    others = [made_row(key=f"other {seed}", pruner="other", seed=seed) for seed in range(3)]
    [board] = leaderboards([dense, *others, *rows])
    return board


def named(board, pruner):
    [entry] = [entry for entry in board.entries if entry.method[0] == pruner]
    return entry


def seeds(**columns):
    return [made_row(key=f"{columns} {seed}", pruner="odd", seed=seed, **columns) for seed in range(3)]


def told(board):
    return " ".join(contradiction_sentences(board))


def test_a_model_that_is_faster_than_its_size_allows_has_no_rank():
    board = board_of(*seeds(latency_ms=1.0, ms_saved=9.0, macs=500))
    assert named(board, "odd").impossible
    assert named(board, "odd").rank is None
    assert named(board, "other").rank is not None
    assert "both cannot be true: odd channel local one_shot is 10 times as fast" in told(board)
    assert "multiply-accumulates and parameters allow 2." in told(board)


def test_bytes_that_left_explain_a_time_that_multiply_accumulates_do_not():
    board = board_of(*seeds(latency_ms=1.0, ms_saved=9.0, macs=500, params=200, params_nonzero=200))
    assert not named(board, "odd").impossible
    assert "cannot be true" not in told(board)


@pytest.mark.parametrize(("reached", "impossible"), [(0.45, False), (0.1, True)])
def test_a_search_and_a_clock_that_disagree_are_said(reached, impossible):
    latency = {"target": "latency:eager_cpu", "target_reached": reached, "latency_ms": 6.0}
    rows = [row | {"target": "latency:eager_cpu"} for row in seeds(**latency)]
    [board] = leaderboards(rows)
    assert named(board, "odd").impossible is impossible
    assert ("was found to save 10% at level 0.5 and is timed to save 40%" in told(board)) is impossible


def test_a_level_of_which_half_did_not_leave_is_said():
    short = told(board_of(*seeds(target_reached=0.2)))
    assert "Much less left than the level says: odd channel local one_shot reached 0.2 of" in short
    assert "Much less" not in told(board_of(*seeds(target_reached=0.4)))


def test_parameters_that_rise_with_the_level_are_said():
    rising = [*seeds(sparsity=0.5, params_nonzero=900), *seeds(sparsity=0.9, params_nonzero=950)]
    assert "Parameters rise with the level: odd channel local one_shot." in told(board_of(*rising))
    falling = [*seeds(sparsity=0.5, params_nonzero=900), *seeds(sparsity=0.9, params_nonzero=150)]
    assert "Parameters rise" not in told(board_of(*falling))


def test_a_certain_loss_is_not_said_to_save_no_time_alone():
    slower = {"ms_saved": -2.0, "ms_saved_low": -2.2, "ms_saved_high": -1.8, "saves_time": False}
    told_slower = told(board_of(*seeds(latency_ms=12.0, **slower)))
    assert "Surely slower than dense: odd channel local one_shot at 0.5." in told_slower
    unsure = {"ms_saved": -0.1, "ms_saved_low": -0.2, "ms_saved_high": -0.05, "saves_time": False}
    assert "Surely slower" not in told(board_of(*seeds(latency_ms=10.1, **unsure)))


def test_one_seed_that_cannot_be_true_is_said_and_no_other_level():
    good = seeds(sparsity=0.3, latency_ms=7.0, ms_saved=3.0)
    bad = seeds(latency_ms=1.0, ms_saved=9.0, macs=500)
    fine = [row | {"latency_ms": 6.0, "ms_saved": 4.0} for row in bad[1:]]
    board = board_of(*good, bad[0], *fine)
    assert named(board, "odd").rank is None
    assert "10 times as fast at level 0.5" in told(board)
    assert "level 0.3" not in told(board)


def test_zeros_that_are_skipped_explain_a_time():
    zeros = {"params": 2000, "params_nonzero": 1350, "macs": 1000, "granularity": "weight"}
    board = board_of(*seeds(latency_ms=4.0, ms_saved=6.0, **zeros))
    assert not named(board, "odd").impossible


TAKEN = {"pruner": "dense", "sparsity": 0.0, "dense_epochs": 0.0, "epochs": 0.0, "images": 100}


@pytest.mark.parametrize(
    ("top1", "chance", "trained", "said"),
    [
        (0.12, 0.1, None, "right in 12.0% where a constant answer is in 10.0%"),
        (0.001, 0.001, None, "right in 0.1% where a constant answer"),
        (0.53, 0.5, 0.9, "right in 53.0% where a constant answer is in 50.0%"),
        (
            0.62,
            0.33,
            0.9,
            "right in 62.0%, and what was pruned of it and trained for 2 epochs in",
        ),
        (0.88, 0.33, 0.9, ""),
        (0.62, 0.33, None, ""),
    ],
)
def test_weights_that_do_not_know_their_images_are_doubted(top1, chance, trained, said):
    dense = made_row(key="dense", top1=top1, chance=chance, **TAKEN)
    pruned = made_row(
        key="pruned", dense_epochs=0.0, top1=trained or top1, epochs=2.0 if trained else 0.0
    )
    [board] = leaderboards([dense, pruned])
    text = told(board)
    assert said in text
    assert ("(--mean, --std, --resize)" in text) is bool(said)


def test_a_dense_model_that_was_trained_here_is_not_doubted():
    dense = made_row(key="dense", top1=0.1, chance=0.1, **TAKEN | {"dense_epochs": 1.0})
    [board] = leaderboards([dense, made_row(key="pruned", dense_epochs=1.0, epochs=2.0, top1=0.9)])
    assert "Dense" not in told(board)
