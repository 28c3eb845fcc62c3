"""Rows by column, and the way back."""

import numpy as np
import pandas as pd
import pytest

from harness.ranking._frame import (
    COLUMN_TYPES,
    RANKED_COLUMNS,
    combination_numbers,
    recipe_text,
    row_frame,
)
from tests.doubles import made_row


def test_only_rows_that_were_timed_are_ranked(rows):
    found = row_frame(rows)
    assert found.origin.tolist() == [n for n, row in enumerate(rows) if row["status"] == "ok"]
    assert list(found.frame.columns) == [*RANKED_COLUMNS, "above_chance", "too_fast", "off_search"]


def test_whole_rows_come_back_with_their_recipe_in_words(rows):
    [whole] = row_frame(rows).rows(np.array([1]))
    assert whole == {**rows[1], "recipe_text": recipe_text(rows[1])}
    assert "dense_epochs 12.0" in whole["recipe_text"]


@pytest.mark.parametrize("columns", [{}, {"batch": None}])
def test_a_table_gives_the_same_rows_as_what_it_was_made_of(rows, columns):
    given = [*rows, made_row(status="failed", latency_ms=None, key="more", **columns)]
    ours, theirs = row_frame(given), row_frame(pd.DataFrame(given))
    pd.testing.assert_frame_equal(ours.frame, theirs.frame, check_dtype=False)
    places = np.arange(len(ours.frame))
    names = ("key", "batch", "seed", "top1", "ms_saved", "recipe_text")
    for one, other in zip(ours.rows(places), theirs.rows(places), strict=True):
        assert [one[name] for name in names] == [other[name] for name in names]
        assert type(other["batch"]) is int


def test_no_rows_are_a_table_of_the_same_columns():
    none, one = row_frame([]).frame, row_frame([made_row()]).frame
    assert len(none) == 0
    assert list(none.columns) == list(one.columns)
    assert none[[*COLUMN_TYPES]].dtypes.to_dict() == one[[*COLUMN_TYPES]].dtypes.to_dict()


def test_rows_are_alike_where_all_columns_are():
    columns = [["a", "b", "a", "a"], [1, 1, 1, 2], [None, None, None, None]]
    assert combination_numbers(map(pd.Series, columns)).tolist() == [0, 1, 0, 2]
    with pytest.raises(ValueError, match="no columns"):
        combination_numbers([])
