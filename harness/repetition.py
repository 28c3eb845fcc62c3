"""The same small grid run twice from nothing: do two runs say the same?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.environment import physical_cores
from harness.errors import HarnessError
from harness.execution import Execution, Patience
from harness.ledger import Ledger
from harness.pairing import pairs
from harness.plan import make_plan
from harness.progress import ConsoleProgress
from harness.recipe import Recipe
from harness.request import Request
from harness.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.catalogue import Catalogue
    from harness.grid import Grid

    Rows = Sequence[Mapping[str, Any]]

PRUNERS = "magnitude_*,random,fpgm,batch_norm_scale,snip,taylor"
RECIPE = Recipe(dense_epochs=4.0, finetune_epochs=0.5)
PATIENCE = Patience(seconds=120.0)


def repeated_runs(
    catalogue: Catalogue,
    folder: Path,
    *,
    model: str,
    backend: str,
    recipe: Recipe = RECIPE,
    patience: Patience = PATIENCE,
) -> tuple[Rows, Rows]:
    """The rows of two runs of some criteria at channel granularity, trained and timed independently.

    Raises HarnessError with the reason where a row failed.
    """
    grid = _grid(catalogue, model=model, backend=backend, recipe=recipe)
    first, second = (
        _run(catalogue, folder / name, grid=grid, patience=patience) for name in ("first", "second")
    )
    return first, second


def _grid(catalogue: Catalogue, *, model: str, backend: str, recipe: Recipe) -> Grid:
    return Request(
        models=model,
        dataset="digits",
        pruners=PRUNERS,
        granularities="channel",
        scope="published",
        schedules="one_shot",
        levels="0.5,0.8,0.95",
        seeds="0",
        backends=backend,
        batch_sizes="1",
        threads=1,
        recipe=recipe,
    ).grid(catalogue)


def _run(catalogue: Catalogue, folder: Path, *, grid: Grid, patience: Patience) -> Rows:
    plan = make_plan(grid, [], processes=patience.least)
    execution = Execution(workers=physical_cores(), time_limit=3600, patience=patience)
    with Ledger(folder).lock(), ConsoleProgress(len(plan.owed)) as progress:
        runner = Runner(folder, execution, catalogue=catalogue, observer=progress)
        runner.carry_out(plan, threads=grid.threads)
    rows = Ledger(folder).rows()
    for row in rows:
        if row["status"] == "failed":
            raise HarnessError(f"{row['pruner']} at {row['sparsity']:g}: {row['reason']}")
    return rows


def latency_moves(first: Rows, second: Rows) -> list[float]:
    """By what fraction the ratio of latency to dense latency differs between two runs, for each row."""
    moves = []
    for pair in pairs(first, second):
        if pair.both:
            before, after = (row["latency_ms"] / row["dense_latency_ms"] for row in pair.both)
            moves.append(abs(after / before - 1.0))
    return moves
