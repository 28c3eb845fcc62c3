"""No text of a stranger's row is run by a spreadsheet."""

import io

import pandas as pd
import pytest

from harness.storage.csv_text import csv_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "@SUM(A1)", "-cmd|'/c calc'!A1", "\t=1"])
def test_a_text_that_would_be_a_formula_is_quoted(text):
    frame = pd.DataFrame({"device": pd.array([text, "Xeon", pd.NA], dtype="string"), "ms": 1.0})
    written = pd.read_csv(io.BytesIO(csv_text(frame)), keep_default_na=False)
    assert written["device"].tolist() == [f"'{text}", "Xeon", ""]
    assert frame["device"][0] == text, "the caller's frame stays as it is"


def test_numbers_and_other_texts_stay_as_they_are():
    frame = pd.DataFrame({"top1": [-0.5, 0.25], "saved": ["-1.5", "-"], "name": ["a=b", "obd"]})
    assert csv_text(frame).decode() == frame.to_csv(index=False)
