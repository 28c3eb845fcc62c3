"""Which rows compete: conditions apart, the latest of each cell, unsteady ones left out."""

import numpy as np

from harness.ranking._boards import comparison_groups, method_names
from harness.ranking._frame import row_frame
from tests.doubles import made_row


def groups(*rows):
    return comparison_groups(row_frame([{**row, "key": f"k{n}"} for n, row in enumerate(rows)]).frame)


def test_conditions_make_boards_in_order_of_appearance():
    found = groups(made_row(batch=8), made_row(batch=1), made_row(batch=8, pruner="random"))
    assert [board.first for board in found] == [0, 1]
    assert [[entry.method[0] for entry in board.entries] for board in found] == [
        ["group_norm_l2", "random"],
        ["group_norm_l2"],
    ]


def test_of_a_cell_that_was_run_again_the_later_row_counts():
    [board] = groups(made_row(pruner_hash="old"), made_row(pruner_hash="new"))
    [entry] = board.entries
    assert entry.indices.tolist() == [1]


def test_dense_and_unsteady_rows_are_kept_apart():
    [board] = groups(
        made_row(pruner="dense", sparsity=0.0), made_row(), made_row(sparsity=0.9, steady=False)
    )
    assert (board.dense.tolist(), board.unsteady.tolist()) == ([0], [2])
    assert [entry.indices.tolist() for entry in board.entries] == [[1]]


def test_cells_are_levels_by_seeds_with_holes_where_nothing_was_measured():
    [board] = groups(
        made_row(seed=0),
        made_row(seed=0, sparsity=0.9),
        made_row(seed=2),
        made_row(pruner="random", seed=1),
    )
    cells = {entry.method[0]: entry.cells for entry in board.entries}
    assert board.seeds == 3
    assert cells["group_norm_l2"].indices.tolist() == [[0, 2], [1, -1]]
    assert cells["group_norm_l2"].seeds.tolist() == [0, 2]


def test_methods_are_named_by_their_four_words():
    frame = row_frame([made_row(key="a")]).frame
    assert method_names(frame, np.array([0])) == [("group_norm_l2", "channel", "local", "one_shot")]
