"""What a person is shown of a run on the way, and at its end."""

import io
from dataclasses import asdict

import pytest
from rich.console import Console

from harness.console.run_report import RunReport
from harness.discovery.loading import discover
from harness.options.ranking_options import RankingOptions
from harness.planning.plan import make_plan
from harness.ranking.leaderboard import RankingRule
from harness.runs.request import Request
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.training.recipe import Recipe
from tests.doubles import made_row


def report_on(folder, backends):
    request = Request(
        models="test_resnet", dataset="digits", pruners="random", granularities="channel",
        scope="published", schedules="one_shot", levels="0.5", seeds="0,1", backends=backends,
        batch_sizes="1", threads=1, recipe=Recipe(),
    )  # fmt: skip
    return RunReport(
        grid=request.grid(discover()), folder=folder, catalogue=discover(), rule=RankingRule()
    )


@pytest.fixture
def report(tmp_path):
    return report_on(tmp_path, "eager_cpu")


def written(report, *, seeds, backends=("eager_cpu",), **columns):
    """A plan of the grid, whose cells of some seeds and backends have a row."""
    plan = make_plan(report.grid, [])
    for cell in plan.cells:
        if cell.settings["seed"] in seeds and cell.backend.name in backends:
            row = made_row(**cell.settings, key=cell.key, **columns)
            Ledger(report.folder).append(Row(**row))
    return plan


def test_a_provisional_table_says_how_many_seeds_it_has(report):
    page = Console(file=io.StringIO(), width=200)
    report.show_provisional(page, written(report, seeds=[1]))
    shown = page.file.getvalue()
    assert "Provisional: 1 of 2 seeds (1), 2 of 4 rows." in shown
    assert "One seed: scores and no ranks" in shown


def test_a_provisional_table_of_one_backend_says_which(tmp_path):
    page, report = (
        Console(file=io.StringIO(), width=200),
        report_on(tmp_path, "eager_cpu,onnxruntime_cpu"),
    )
    report.show_provisional(page, written(report, seeds=[0, 1], backends=["eager_cpu"]))
    shown = page.file.getvalue()
    assert "Provisional: 1 of 2 backends (eager_cpu), 4 of 8 rows." in shown


def test_where_nothing_could_be_measured_yet_no_table_is_shown(report):
    page = Console(file=io.StringIO(), width=200)
    report.show_provisional(page, written(report, seeds=[0], status="failed"))
    assert page.file.getvalue() == ""


def test_at_the_end_it_counts_what_failed_and_writes_the_reports(report, capsys):
    plan = written(report, seeds=[0, 1])
    assert report.conclude(plan).failures == 0
    assert (report.folder / "leaderboard.md").is_file()
    assert "paired over 2 seeds" in " ".join(capsys.readouterr().out.split())
    failed = {**asdict(Row()), "status": "failed", "reason": "it broke"}
    Ledger(report.folder).append(Row(**{**failed, **plan.cells[0].settings, "key": plan.cells[0].key}))
    outcome = report.conclude(plan)
    assert (outcome.failures, outcome.folder) == (1, report.folder)
    assert [row["status"] for row in outcome.rows].count("failed") == 1


def test_rows_of_other_grids_in_the_folder_are_left_out(report):
    plan = written(report, seeds=[0])
    Ledger(report.folder).append(Row(**made_row(key="another")))
    assert len(report.rows(plan)) == 2, "dense, and random"


def test_what_is_asked_of_a_ranking_is_its_rule():
    options = RankingOptions(correction="fdr", floor=0.9)
    assert options.rule() == RankingRule(correction="fdr", floor=0.9)
