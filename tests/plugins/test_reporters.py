"""Files made from rows: tidy tables, a leaderboard page that no plugin's name can break, a picture."""

import io
import re

import pandas as pd
import pytest

from harness.console._reports import write_reports
from harness.discovery.loading import discover
from harness.ranking.leaderboard import RankedRows
from harness.storage.row import Row, column_units
from harness_plugins.reporters.leaderboard import LeaderboardPage
from harness_plugins.reporters.tables import Tables
from harness_plugins.reporters.tradeoff import Tradeoff
from tests.doubles import made_row


def page(rows) -> str:
    return LeaderboardPage().render(rows)["leaderboard.md"].decode()


def test_both_tables_hold_every_column_but_the_packed_bits(rows):
    files = Tables().render(rows)
    parquet = pd.read_parquet(io.BytesIO(files["table.parquet"]))
    csv = pd.read_csv(io.BytesIO(files["table.csv"]))
    expected = [name for name in column_units() if name not in ("correct", "dense_correct")]
    assert list(parquet.columns) == list(csv.columns) == expected
    assert len(parquet) == len(csv) == len(rows)
    assert parquet.ms_saved.tolist()[1:5] == [4.0, 8.0, 4.0, 8.0]


def test_columns_keep_their_types_where_rows_are_empty():
    empty = {**vars(Row(key="a", status="failed")), "seed": 3}
    frame = pd.read_parquet(io.BytesIO(Tables().render([empty])["table.parquet"]))
    assert frame.seed.tolist() == [3]
    assert frame.top1.isna().all()


def test_columns_are_typed_alike_whatever_the_rows_hold(rows):
    def schema(given):
        return pd.read_parquet(io.BytesIO(Tables().render(given)["table.parquet"])).dtypes.to_dict()

    whole = [{**row, "top1": 1.0, "top5": None, "dense_epochs": 12.0} for row in rows]
    assert schema(whole) == schema(rows) == schema([])


def test_the_page_has_the_ranking_the_dense_line_and_the_missing_cells(rows):
    text = page(rows)
    assert "## resnet18 on digits, eager_cpu, batch 1, 1 thread" in text
    lines = [line for line in text.splitlines() if " channel " in line and line.startswith("| - ")]
    first, second = lines
    assert "group_norm_l2" in first
    assert "random" in second
    assert "- Dense: top-1 90.0%" in text
    assert "Cells without a measurement" in text
    assert "not defined here" in text


def test_the_page_says_what_of_a_channel_is_scored(rows):
    text = page([{**row, "reduction": "group"} if row["pruner"] == "random" else row for row in rows])
    [line] = [line for line in text.splitlines() if "| random " in line]
    assert "| channel (group) " in line


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "a|b", "[x](http://e)", "_x_", "a\nb"]
)
def test_a_plugins_name_cannot_break_the_page(hostile):
    text = page([made_row(pruner=hostile), made_row(pruner=hostile, sparsity=0.9, status="failed")])
    assert hostile not in text
    lines = [line for line in text.splitlines() if line.startswith("| - ")]
    assert len(lines) == 1


def test_names_with_dollars_do_not_break_the_picture():
    files = Tradeoff().render([made_row(pruner="$\\undefined$"), made_row(pruner="$x", model="$m$")])
    assert len(files) == 4
    assert all(re.fullmatch(r"tradeoff-[\w-]+\.(svg|png)", name) for name in files)


def test_without_measurements_there_is_no_picture():
    assert Tradeoff().render([]) == {}


def test_a_reporter_that_raises_costs_the_others_nothing(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(Tables, "render", lambda self, rows: 1 / 0)
    written, problems = write_reports(tmp_path, RankedRows(rows), discover().choose("reporter", "all"))
    assert {path.name for path in written} == {
        "leaderboard.md", "leaderboard.tex", "leaderboard.csv",
        "tradeoff-resnet18-digits.svg", "tradeoff-resnet18-digits.png",
    }  # fmt: skip
    [problem] = problems
    assert problem.startswith(
        "reporter tables: ZeroDivisionError: division by zero (test_reporters.py:"
    )
