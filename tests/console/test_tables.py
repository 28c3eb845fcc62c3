"""What is printed: plans and rankings in tables, in words that a plugin's name cannot break."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.console.tables import (
    FILE_WIDTH,
    console,
    print_failed,
    print_plan,
    print_ranking,
    print_reports,
    print_skipped,
    print_table,
)
from harness.discovery.loading import discover
from harness.planning.plan import make_plan
from harness.ranking.leaderboard import RankedRows
from harness.runs.request import Request
from harness.training.recipe import Recipe


@pytest.fixture
def page() -> Console:
    return Console(file=io.StringIO(), width=FILE_WIDTH)


def lines(page: Console) -> list[str]:
    assert isinstance(page.file, io.StringIO)
    return [line.rstrip() for line in page.file.getvalue().splitlines()]


def test_output_to_a_file_is_wide_enough_for_the_tables(capsys):
    assert console().width == FILE_WIDTH


def test_markup_in_a_name_is_printed_as_it_is(page):
    print_table(page, ("what",), [("[bold]name[/bold]",), ("[/]",)], title="Names")
    text = "\n".join(lines(page))
    assert "[bold]name[/bold]" in text
    assert "[/]" in text


def test_a_table_without_lines_is_not_printed(page):
    print_table(page, ("what",), [], title="Nothing")
    assert lines(page) == []


def test_a_plan_says_what_is_owed_and_what_cannot_be(page):
    request = Request(
        models="test_resnet", dataset="digits", pruners="fpgm", granularities="weight,channel",
        scope="published", schedules="one_shot", levels="0.5,0.8", seeds="0", backends="eager_cpu",
        batch_sizes="1", threads=1, recipe=Recipe(),
    )  # fmt: skip
    print_plan(page, make_plan(request.grid(discover()), []))
    text = "\n".join(lines(page))
    assert "skipped: fpgm is defined at granularity channel only" in text
    assert "2 trials, 5 cells on eager_cpu; 5 cells are owed, 2 of them skipped." in text
    assert "12 epochs of dense training, 2 of fine-tuning" in text


def test_a_ranking_shows_each_method_once_and_one_batch_size_where_one_is_asked_for(page, rows):
    rows[1]["reduction"] = rows[2]["reduction"] = "producers"
    print_ranking(page, RankedRows(rows), batch=rows[0]["batch"])
    text = "\n".join(lines(page))
    assert text.count("random   ") == 1
    assert "channel (filters)" in text
    assert "resnet18" in text
    before = len(lines(page))
    print_ranking(page, RankedRows(rows), batch=rows[0]["batch"] + 1)
    assert len(lines(page)) == before


def skipped(row, pruner: str, reason: str) -> dict:
    return {**row, "pruner": pruner, "status": "skipped", "reason": reason}


def test_cells_that_were_skipped_are_a_line_a_reason(page, rows):
    at_weights = "is defined at granularity weight only"
    cells = [skipped(rows[1], name, f"{name} {at_weights}") for name in ("a", "b", "c", "d", "e", "e")]
    cells += [skipped(rows[1], name, "no such chip") for name in ("a", "b")]
    cells += [skipped(rows[1], "slimming", "slimming acts from 500 steps")]
    measured = [row for row in rows if row["status"] == "ok"]
    print_skipped(page, [*cells, *measured])
    assert lines(page) == [
        f"Skipped 6 cells: a, b, c and 2 more: each {at_weights}.",
        "Skipped 2 cells: no such chip.",
        "Skipped 1 cell: slimming acts from 500 steps.",
    ]


def test_cells_that_failed_are_counted_by_their_reason(page, rows):
    failed = {**rows[1], "status": "failed", "reason": "no such chip"}
    print_failed(page, [failed, failed, *rows])
    [line] = [line for line in lines(page) if "no such chip" in line]
    assert " 2 " in line


def test_of_rows_that_were_all_measured_nothing_is_said(page, rows):
    measured = [row for row in rows if row["status"] == "ok"]
    print_skipped(page, measured)
    print_failed(page, measured)
    assert lines(page) == []


def test_what_reporters_write_is_named(capsys, rows, tmp_path: Path):
    print_reports(tmp_path, RankedRows(rows), discover())
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"Wrote into {tmp_path}: leaderboard.md" in printed.err
    assert (tmp_path / "leaderboard.md").is_file()
