"""`harness run`: a grid from what was typed, carried out, ranked and accounted for."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands.grid_run import GridRun
from harness.console.grouped_command import GroupedCommand
from harness.console.slurm_script import slurm_script
from harness.console.tables import console, print_plan, print_sentence
from harness.discovery.loading import discover
from harness.discovery.selection import split_terms
from harness.errors import HarnessError
from harness.machine.availability import no_gpu, unmet
from harness.machine.environment import physical_cores
from harness.machine.local_devices import local_devices
from harness.options.config_file import config_text
from harness.options.declaration import SETTINGS, option_titles, with_options
from harness.options.run_options import NOT_OF_THE_GRID, RunOptions
from harness.options.value_types import cores_to_pin
from harness.runs.execution import Execution
from harness.runs.level_check import check_levels
from harness.runs.request import available_meter, run_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.console.run_report import RunOutcome
    from harness.discovery.catalogue import Catalogue
    from harness.engines.ray_cluster import Cluster
    from harness.options.engine_options import EngineOptions
    from harness.planning.plan import Plan

RAY_REQUIREMENT = "ray>=2.40,<2.56"
"""As in pyproject.toml."""


@click.command(cls=GroupedCommand, titles=option_titles(RunOptions), context_settings=SETTINGS)
@with_options(RunOptions)
def run(options: RunOptions) -> None:
    """Prune, fine-tune and time every combination, then rank the methods on each backend.

    Finished steps are kept: the same command again only reports, a wider one computes what is new.
    Exit code 0: done; 1: some cells failed and are listed; 2: the request was wrong.
    """
    began, engine, fresh = time.perf_counter(), options.engine, options.folder.fresh
    check_options(options)
    catalogue = discover(options.files.plugin)
    files = [Path(file).expanduser().resolve() for file in split_terms(options.files.plugin)]
    with ray_cluster(engine, catalogue, files) as cluster:
        grid_run = _grid_run(options, catalogue, cluster)
        if options.folder.dry_run:
            _show_plan(grid_run, grid_run.plan(fresh=fresh))
        elif engine.engine == "slurm-script":
            plan = grid_run.plan(fresh=fresh)
            check_levels(grid_run.reaches(plan, sufficing=True))
            click.echo(slurm_script(click.get_current_context(), plan, tasks=engine.workers), nl=False)
        elif engine.shard:
            _exit_as(grid_run.train_shard(engine.shard))
        else:
            context = click.get_current_context()
            text = config_text(context, without=NOT_OF_THE_GRID)
            # For who called this from Python.
            context.obj = grid_run.execute(fresh=fresh, began=began, options=text)
            _exit_as(context.obj)


def _show_plan(grid_run: GridRun, plan: Plan) -> None:
    """What would be done. Raises HarnessError where a level is out of reach, when all is shown."""
    print_plan(console(), plan)
    reaches = grid_run.reaches(plan)
    for sentence in (*(reach.sentence for reach in reaches), grid_run.grid.witness.sentence):
        print_sentence(console(), sentence)
    check_levels(reaches)


def _exit_as(outcome: RunOutcome) -> None:
    if outcome.failures:
        sys.exit(1)


def check_options(options: RunOptions) -> None:
    """Raise HarnessError where options make no sense together."""
    engine, timing, arithmetic = options.engine, options.timing, options.training.arithmetic
    local, remote, fresh = engine.engine == "local", engine.engine == "ray", options.folder.fresh
    if engine.address and not remote:
        raise HarnessError(f"--address {engine.address} is of a cluster: it goes with --engine ray")
    if timing.pin and remote:
        raise HarnessError(f"--pin {timing.pin} is of this machine; with --engine ray others time")
    if timing.meter and remote and not timing.meter.startswith("watts"):
        raise HarnessError(f"--meter {timing.meter} reads this machine; with --engine ray others time")
    if engine.shard and (fresh or not local):
        raise HarnessError("--shard trains beside others in one folder: no --fresh, and --engine local")
    if fresh and engine.engine == "slurm-script":
        raise HarnessError("--fresh: one job would forget what another did; remove the folder instead")
    if "cuda" in arithmetic and local and (reason := no_gpu()):
        raise HarnessError(f"--arithmetic {arithmetic}: {reason}")
    if options.axes.podium and "," not in options.axes.seeds:
        raise HarnessError("--podium compares methods between seeds: --seeds takes at least two")
    if engine.shard and arithmetic == "auto":
        raise HarnessError("--shard: name an --arithmetic, as fp32, so that all shards train alike")


def _grid_run(options: RunOptions, catalogue: Catalogue, cluster: Cluster | None) -> GridRun:
    """Every name resolved. Raises HarnessError naming the first one that nothing answers to."""
    processes = cluster.processors if cluster else options.engine.workers or physical_cores()
    execution = Execution(
        workers=processes,
        time_limit=options.limits.time_limit,
        limits=options.limits.job_limits(),
        stopping_rule=options.timing.stopping_rule(),
        cores=cores_to_pin(options.timing.pin),
        dense_from=options.folder.kept_run(),
        meter=available_meter(catalogue, options.timing.meter),
    )
    devices = cluster.devices if cluster else local_devices
    grid = options.request().grid(catalogue, devices, say=partial(click.echo, err=True))
    return GridRun(
        grid=grid,
        folder=run_folder(grid, options.folder.out),
        execution=execution,
        catalogue=catalogue,
        rule=options.ranking.rule(),
        cluster=cluster,
        auto_arithmetic=options.training.auto,
        workers_by_memory=options.engine.workers is None,
        podium=options.axes.podium,
    )


@contextmanager
def ray_cluster(
    engine: EngineOptions, catalogue: Catalogue, files: Sequence[Path] = ()
) -> Iterator[Cluster | None]:
    """The cluster of `--engine ray`, left at the end; None for others. It is shipped those plugins.

    Raises HarnessError where Ray is not installed or no cluster answers.
    """
    if engine.engine != "ray":
        yield None
        return
    reason = unmet(RAY_REQUIREMENT)
    if reason is not None:
        raise HarnessError(f"--engine ray: {reason}")
    # Ray is an extra that few install.
    from harness.engines.ray_cluster import join_cluster

    backends = [offer.plugin for offer in catalogue.offers if offer.kind == "backend"]
    workers = engine.workers or physical_cores()
    address = engine.address
    with join_cluster(address, workers=workers, backends=backends, files=files) as cluster:
        yield cluster
