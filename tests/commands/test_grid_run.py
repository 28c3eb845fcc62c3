"""The run of a grid as far as it is known before anything is trained."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from harness.commands.grid_run import GridRun
from harness.discovery.loading import discover
from harness.measuring.stopping import StoppingRule
from harness.planning.grid import Cell
from harness.runs.execution import Execution
from harness.runs.request import Request
from harness.storage.bits import encode_bits
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.training.recipe import Recipe
from tests.doubles import made_row


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


RIGHT = {"random": (88, 90), "fpgm": (89, 88), "hrank": (40, 41)}
"""Of a hundred images, by method and seed: two are alike, and the third is surely worse."""


def measured(cell: Cell) -> Row:
    """A row that saves half of the time; a further seed finds out who of the first two is better."""
    pruner, seed = cell.settings["pruner"], cell.settings["seed"]
    later = {"random": 95, "fpgm": 70}.get(pruner, 0)
    by_seed = RIGHT.get(pruner, (100, 100))
    right = by_seed[seed] if seed < len(by_seed) else later
    made = made_row(
        **cell.settings, key=cell.key, correct=encode_bits(np.arange(100) < right), ms_saved=5.0,
        ms_saved_low=4.99, ms_saved_high=5.01, steady=True, processes=1, top1=right / 100,
        retained=right / 100,
    )  # fmt: skip
    return Row(**made)


def test_further_seeds_are_spent_on_who_may_be_best_until_that_is_decided(grid_run):
    pruners = discover().choose("pruner", "random,fpgm,hrank")
    asked = replace(grid_run.grid, pruners=pruners, seeds=(0, 1))
    grid_run = replace(grid_run, grid=asked, podium=1)
    spent = []
    for part in grid_run._plans(grid_run.plan(fresh=False)):
        spent.append({(cell.settings["pruner"], cell.settings["seed"]) for cell in part.pending})
        for cell in part.pending:
            Ledger(grid_run.folder).append(measured(cell))
    contenders = [{("dense", seed), ("random", seed), ("fpgm", seed)} for seed in range(2, 8)]
    assert len(spent[0]) == 2 * 4
    assert spent[1:] == contenders[: len(spent) - 1]
    assert 1 < len(spent) <= 7, "until eight seeds are spent"
    again = [part.pending for part in grid_run._plans(grid_run.plan(fresh=False))]
    assert again == [()] * len(spent), "the same command finds the same seeds done"
    assert len(list(replace(grid_run, podium=None)._plans(grid_run.plan(fresh=False)))) == 1


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
