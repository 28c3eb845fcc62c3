"""The ranking in a terminal: whole names at every width, and only what was ranked."""

import io

import pytest
from rich.console import Console

from harness.console._ranking_table import ranking_table
from harness.ranking.leaderboard import leaderboards
from harness.storage.run_folder import RunFolder
from tests.doubles import ROOT, made_row, made_rows

RUN = RunFolder(ROOT / "results" / "resnet18-digits-epyc")


@pytest.fixture(scope="module")
def board():
    """Of all criteria, at channels and at single weights."""
    return leaderboards(RUN.rows)[0]


def shown(board, width: int) -> list[str]:
    page = Console(file=io.StringIO(), width=width)
    page.print(ranking_table(page, board))
    return page.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100, 150, 160])
def test_names_of_methods_are_whole_and_lines_fit(board, width):
    lines = shown(board, width)
    assert max(map(len, lines)) <= width
    text = " ".join(lines)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    ranked = [entry for entry in board.entries if entry.saves_time]
    assert len(ranked) > 10
    for entry in ranked:
        assert f" {entry.method[0]} " in text


def test_what_is_sure_of_a_method_stays_in_a_narrow_terminal(board):
    narrow, wide = (
        next(line for line in shown(board, width) if "pruner" in line) for width in (80, 160)
    )
    for name in ("rank", "pruner", "score", "top-1", "speed-up"):
        assert name in narrow
    assert "ms saved" not in narrow
    assert "ms saved" in wide


def test_what_tells_methods_apart_stays_at_any_width():
    twice = [made_row(granularity=word, key=word, ms_saved=3.0) for word in ("channel", "weight")]
    [board] = leaderboards([*made_rows()[:1], *twice])
    text = " ".join(shown(board, 60))
    assert " channel " in text
    assert " weight " in text


def test_what_saves_no_time_has_no_line_beside_what_does():
    [board] = leaderboards(made_rows())
    assert any(not entry.saves_time for entry in board.entries)
    text = " ".join(shown(board, 150))
    assert "group_norm_l2" in text
    assert "magnitude_l2" not in text


def test_where_nothing_saves_time_all_lines_are_there():
    [board] = leaderboards([made_row(pruner="idle", saves_time=False, ms_saved=0.0)])
    assert "idle" in " ".join(shown(board, 150))
