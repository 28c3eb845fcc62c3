"""The run of a grid as far as it is known before anything is trained."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.commands.grid_run import GridRun
from harness.discovery.loading import discover
from harness.measuring.stopping import StoppingRule
from harness.runs.execution import Execution
from harness.runs.request import Request
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.training.recipe import Recipe
from harness.trials.grid import Cell


@pytest.fixture
def grid_run(tmp_path: Path) -> GridRun:
    request = Request(
        models="test_resnet", dataset="digits", pruners="random", granularities="channel",
        scope="published", schedules="one_shot", levels="0.5", seeds="0", backends="eager_cpu",
        batch_sizes="1", threads=1, recipe=Recipe(),
    )  # fmt: skip
    return GridRun(
        grid=request.grid(discover()),
        folder=tmp_path / "run",
        execution=Execution(workers=1, time_limit=60, stopping_rule=StoppingRule(least=1, most=1)),
        catalogue=discover(),
        auto_arithmetic=True,
    )


def skipped(cell: Cell) -> Row:
    return Row(**{**asdict(Row()), **cell.settings, "key": cell.key, "status": "skipped"})


def test_rows_in_the_folder_are_not_owed_again_unless_it_starts_afresh(grid_run):
    [first, *others] = grid_run.plan(fresh=False).pending
    Ledger(grid_run.folder).append(skipped(first))
    assert list(grid_run.plan(fresh=False).pending) == others
    assert list(grid_run.plan(fresh=True).pending) == [first, *others]


def test_a_model_goes_on_in_the_arithmetic_that_it_was_trained_in(grid_run, tmp_path):
    [cell, *_] = grid_run.plan(fresh=False).pending
    row = replace(skipped(cell), arithmetic="bf16")
    Ledger(grid_run.folder).append(row)
    assert [d.recipe.arithmetic for d in grid_run.plan(fresh=False).dense_models] == ["bf16"]
    assert [d.recipe.arithmetic for d in grid_run.plan(fresh=True).dense_models] == [""]
    kept = replace(grid_run.execution, dense_from=grid_run.folder)
    elsewhere = replace(grid_run, folder=tmp_path / "other", execution=kept)
    assert [d.recipe.arithmetic for d in elsewhere.plan(fresh=False).dense_models] == ["bf16"]
    named = replace(grid_run, auto_arithmetic=False)
    assert [d.recipe.arithmetic for d in named.plan(fresh=False).dense_models] == [""]
