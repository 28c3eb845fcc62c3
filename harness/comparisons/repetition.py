"""The same small grid run twice from nothing: do two runs say the same?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.machine.environment import physical_cores
from harness.measuring.stopping import StoppingRule
from harness.planning.plan import make_plan
from harness.ranking.pairs import pairs
from harness.runs.execution import Execution
from harness.runs.request import Request
from harness.runs.runner import Runner
from harness.storage.ledger import Ledger
from harness.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.discovery.catalogue import Catalogue
    from harness.engines.observer import ObserverFactory
    from harness.planning.grid import Grid

    Rows = Sequence[Mapping[str, Any]]

PRUNERS = "group_norm_*,random,fpgm,batch_norm_scale,snip,taylor"
RECIPE = Recipe(dense_epochs=4.0, finetune_epochs=0.5)
SEEDS = "0,1"
STOPPING_RULE = StoppingRule(seconds=120.0)


def repeated_runs(
    catalogue: Catalogue,
    folder: Path,
    *,
    model: str,
    backend: str,
    progress: ObserverFactory,
    seeds: str = SEEDS,
    recipe: Recipe = RECIPE,
    stopping_rule: StoppingRule = STOPPING_RULE,
) -> tuple[Rows, Rows]:
    """The rows of two runs of some criteria at channel granularity, trained and timed independently.

    `progress` makes the observer of a run from how many rows it owes.

    Raises HarnessError with the reason where a row failed.
    """
    grid = _grid(catalogue, model=model, backend=backend, seeds=seeds, recipe=recipe)
    first, second = (
        _run(catalogue, folder / name, grid=grid, stopping_rule=stopping_rule, progress=progress)
        for name in ("first", "second")
    )
    return first, second


def _grid(catalogue: Catalogue, *, model: str, backend: str, seeds: str, recipe: Recipe) -> Grid:
    return Request(
        models=model,
        dataset="digits",
        pruners=PRUNERS,
        granularities="channel",
        scope="published",
        schedules="one_shot",
        levels="0.3,0.6,0.8",
        seeds=seeds,
        backends=backend,
        batch_sizes="1",
        threads=1,
        recipe=recipe,
    ).grid(catalogue)


def _run(
    catalogue: Catalogue,
    folder: Path,
    *,
    grid: Grid,
    stopping_rule: StoppingRule,
    progress: ObserverFactory,
) -> Rows:
    plan = make_plan(grid, [], processes=stopping_rule.least)
    execution = Execution(workers=physical_cores(), time_limit=3600, stopping_rule=stopping_rule)
    with Ledger(folder).lock(), progress(len(plan.pending)) as observer:
        runner = Runner(folder, execution, catalogue=catalogue, observer=observer)
        runner.carry_out(plan)
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
