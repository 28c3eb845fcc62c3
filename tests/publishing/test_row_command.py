"""The command that measures an entry of a board again."""

from pathlib import Path

from harness.publishing.row_command import board_command, entry_command
from harness.publishing.site_content import PublishedRun, SiteContent
from harness.ranking.leaderboard import RankingRule
from tests.doubles import made_row, made_rows


def published(rows, **options):
    run = PublishedRun(name="run", rows=rows, options=options, samples=Path())
    return SiteContent(runs=[run], rule=RankingRule(), descriptions={})


def test_an_entry_asks_for_its_own_method_on_its_own_board():
    content = published(made_rows(), **{"models": "resnet*", "pruners": "all", "dense-epochs": 3.0})
    [board] = content.boards
    command = entry_command(board.entries[0], content.runs)
    assert command == (
        "harness run --models resnet18 --pruners group_norm_l2 --dense-epochs 3 "
        "--granularities channel --schedules one_shot --backends eager_cpu --batch-sizes 1 "
        "--levels 0.5,0.9 --seeds 0 --arithmetic fp32"
    )
    whole = board_command(board.entries, content.runs)
    assert whole == (
        "harness run --models resnet18 --pruners group_norm_l2,magnitude_l2,random --dense-epochs 3 "
        "--granularities channel,weight --schedules one_shot --backends eager_cpu --batch-sizes 1 "
        "--levels 0.5,0.9 --seeds 0 --arithmetic fp32"
    )


def test_smaller_networks_are_asked_for_by_their_names():
    rows = [*made_rows(), made_row(pruner="rivals", rival="resnet10t", key="r")]
    content = published(rows, models="resnet18")
    [entry] = [e for e in content.boards[0].entries if e.method[0] == "rivals"]
    command = "harness run --models resnet18 --rivals resnet10t --backends eager_cpu"
    assert entry_command(entry, content.runs) == command


def test_words_that_a_shell_would_read_are_quoted():
    rows = [{**row, "pruner": "a; rm -rf x"} for row in made_rows()[1:3]]
    content = published(rows, models="resnet18")
    command = entry_command(content.boards[0].entries[0], content.runs)
    assert "--pruners 'a; rm -rf x'" in command


def test_a_run_that_does_not_say_what_was_asked_for_has_none():
    content = published(made_rows())
    assert entry_command(content.boards[0].entries[0], content.runs) == ""
