"""`harness run`: a grid from what was typed, carried out, ranked and accounted for."""

from __future__ import annotations

import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from harness.commands.engine_options import check_engine, engine_options, join_ray_cluster
from harness.commands.grid_run import GridRun
from harness.commands.options import (
    FLOAT32,
    SETTINGS,
    FiniteRange,
    cores_to_pin,
    read_config,
    recipe_options,
)
from harness.commands.slurm_script import slurm_script
from harness.commands.tables import console, print_plan
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.machine.device import local_devices
from harness.machine.environment import physical_cores
from harness.measuring.stopping import StoppingRule
from harness.runs.execution import Execution
from harness.runs.request import Request, available_meter, run_folder
from harness.storage.artifacts import ARTIFACTS
from harness.training.recipe import Arithmetic, Recipe
from harness.trials.grid import ScopeChoice

if TYPE_CHECKING:
    from harness.discovery.catalogue import Catalogue
    from harness.engines.shard import Shard


@click.command(context_settings=SETTINGS)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    is_eager=True,
    callback=read_config,
    help="TOML file with any of these options; the command line wins.",
)
@click.option(
    "--models",
    required=True,
    help="timm names or patterns, as resnet18,vit_tiny*; with a tag, as resnet18.a1_in1k, pretrained.",
)
@click.option("--pruners", default="all", help="Criteria: all, names, patterns, !name to leave out.")
@click.option("--granularities", default="all", help="weight, channel, 2:4, block:4x4, ...")
@click.option("--levels", default="0.5,0.95", help="Sparsities: fractions removed.")
@click.option("--schedules", default="one_shot", help="one_shot, iterative:0.2, lottery, ... or all.")
@click.option(
    "--scope",
    type=click.Choice(get_args(ScopeChoice)),
    default="published",
    help="Compare scores as each method's paper does, over the network, a layer, an output row; or "
    "share the sparsity out by ERK, or over layers coupled alike.",
)
@click.option(
    "--target",
    default="params",
    help="What a level is a fraction of: prunable params, macs, or latency:BACKEND, which is searched "
    "on the clock: one trial at a time, at the smallest batch size.",
)
@click.option("--seeds", default="0", help="Whole numbers; each trains its own dense model.")
@click.option(
    "--dataset",
    default="digits",
    help="digits, folder:PATH with train/ and test/, or as timm names them: torch/cifar10, hfds/NAME.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where timm's data sets are.  [default: data]",
)
@click.option("--download", is_flag=True, help="Fetch the data set where it is not there.")
@click.option(
    "--backends",
    default="eager_cpu,onnxruntime_cpu",
    help="Devices with their runtimes; all that `harness list` shows, or by name.",
)
@click.option("--batch-sizes", default="1", help="Timed; 1,8 tells of throughput too.")
@click.option("--threads", type=click.IntRange(min=1), default=1, help="Of a timed model.")
@recipe_options
@click.option(
    "--arithmetic",
    type=click.Choice(["auto", FLOAT32, *filter(None, get_args(Arithmetic))]),
    default="auto",
    help="How models train: auto measures what is fastest here, once a model; fp32 is 32-bit floats.",
)
@click.option("--augment/--no-augment", "augmented", default=True, help="The dataset's own way.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The run's folder.")
@engine_options
@click.option("--time-limit", type=FiniteRange(min=1), default=3600, help="Seconds a trial.")
@click.option(
    "--precision",
    type=FiniteRange(min=0),
    default=0.01,
    help="Timing goes on until all savings are known to this fraction of dense latency (95 %).",
)
@click.option(
    "--timing-seconds",
    type=FiniteRange(min=0),
    default=StoppingRule.seconds,
    help="Or after so long a session: up to 32 models on one backend, in 3 processes or more.",
)
@click.option("--meter", default="", help="Of energy: rapl, nvml, or an estimate as watts:15.")
@click.option("--pin", default="", help="Cores that timing processes are pinned to, as 0,1.")
@click.option("--quick", is_flag=True, help="One timing process instead of three: placement unseen.")
@click.option(
    "--dense-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A run folder whose dense models are taken over instead of training the same ones again.",
)
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A safetensors file that dense training starts from; --dense-epochs 0 takes it as it is.",
)
@click.option("--fresh", is_flag=True, help="Forget what this run's folder holds and start again.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
def run(
    *,
    config: Path | None,  # noqa: ARG001 -- read by its callback
    out: Path | None,
    workers: int | None,
    engine: str,
    address: str | None,
    shard: Shard | None,
    fresh: bool,
    dry_run: bool,
    **axes: Any,  # noqa: ANN401 -- the axes, recipe and patience as click names them
) -> None:
    """Prune, fine-tune and time every combination, then rank the methods on each backend.

    Finished steps are kept: the same command again only reports, a wider one computes what is new.
    Exit code 0: done; 1: some cells failed and are listed; 2: the request was wrong.
    """
    began = time.perf_counter()
    auto, recipe = axes["arithmetic"] == "auto", _recipe(axes)
    catalogue = discover()
    check_engine(click.get_current_context())
    cluster = join_ray_cluster(catalogue, address, workers=workers) if engine == "ray" else None
    processes = cluster.processors if cluster else workers or physical_cores()
    execution = _execution(axes, workers=processes, catalogue=catalogue)
    devices = cluster.devices if cluster else local_devices
    grid = Request(**axes, recipe=recipe).grid(catalogue, devices)
    grid_run = GridRun(
        grid=grid,
        folder=run_folder(grid, out),
        execution=execution,
        catalogue=catalogue,
        cluster=cluster,
        auto=auto,
        fitting=workers is None,
    )
    if dry_run:
        print_plan(console(), grid_run.plan(fresh=fresh))
    elif engine == "slurm-script":
        plan = grid_run.plan(fresh=fresh)
        click.echo(slurm_script(click.get_current_context(), plan, tasks=workers), nl=False)
    elif grid_run.left_over(shard) if shard else grid_run.failed(fresh=fresh, began=began):
        sys.exit(1)


def _recipe(axes: dict[str, Any]) -> Recipe:
    """What was typed of it, taken out of the axes; floats where no other arithmetic was named."""
    typed = {item.name: axes.pop(item.name) for item in fields(Recipe)}
    if typed["arithmetic"] in ("auto", FLOAT32):
        typed["arithmetic"] = ""
    return Recipe(**typed)


def _execution(axes: dict[str, Any], *, workers: int, catalogue: Catalogue) -> Execution:
    """What was typed of it, taken out of the axes."""
    stopping_rule = StoppingRule.to_precision(axes.pop("precision"), seconds=axes.pop("timing_seconds"))
    kept: Path | None = axes.pop("dense_from")
    if kept and not (kept / ARTIFACTS).is_dir():
        raise HarnessError(f"--dense-from {kept} is no run's folder: it has no {ARTIFACTS}/ in it")
    return Execution(
        workers=workers,
        time_limit=axes.pop("time_limit"),
        stopping_rule=replace(stopping_rule, least=1, most=1) if axes.pop("quick") else stopping_rule,
        cores=cores_to_pin(axes.pop("pin")),
        dense_from=kept,
        meter=available_meter(catalogue, axes.pop("meter")),
    )
