"""The command line: run, list, report, compare, doctor."""

from __future__ import annotations

import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.compare import compare
from harness.discovery import discover
from harness.doctor import doctor
from harness.environment import physical_cores
from harness.errors import HarnessError, UnknownNameError
from harness.execution import Execution, Patience
from harness.options import FiniteRange, cores_to_pin, read_config, recipe_options
from harness.recipe import Recipe
from harness.timesheet import Timesheet, time_sentence

if TYPE_CHECKING:
    from harness.catalogue import Catalogue
    from harness.grid import Grid
    from harness.plan import Plan

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
INTERRUPTED = 130
EXAMPLES = """\b
harness list                                  what there is to run
harness run --pruners all --models resnet18   run and rank it
harness report results/resnet18-digits        rank again, from the rows alone
harness doctor --clock                        test this machine's clock
"""


@click.group(context_settings=SETTINGS, epilog=EXAMPLES)
@click.version_option(package_name="pruning-harness", prog_name="harness")
def cli() -> None:
    """Which pruning method keeps the most accuracy for the milliseconds it saves, on this hardware?"""


@cli.command(context_settings=SETTINGS)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    is_eager=True,
    callback=read_config,
    help="TOML file with any of these options; the command line wins.",
)
@click.option("--models", required=True, help="timm names or patterns, as resnet18,vit_tiny*.")
@click.option("--pruners", default="all", help="Criteria: all, names, patterns, !name to leave out.")
@click.option("--granularities", default="all", help="weight, channel.")
@click.option("--levels", default="0.5,0.8,0.95,0.98", help="Sparsities: fractions removed.")
@click.option("--schedules", default="all", help="one_shot, iterative, iterative:0.2, ...")
@click.option(
    "--scope",
    type=click.Choice(["published", "global", "local"]),
    default="published",
    help="Compare scores as each method's paper does, over the network, or within a layer.",
)
@click.option("--seeds", default="0", help="Whole numbers; each trains its own dense model.")
@click.option("--dataset", default="digits", help="digits, or folder:PATH with train/ and test/.")
@click.option("--backends", default="all", help="Devices with their runtimes.")
@click.option("--batch-sizes", default="1,8", help="Timed: one for latency, one for throughput.")
@click.option("--threads", type=click.IntRange(min=1), default=1, help="Of a timed model.")
@recipe_options
@click.option("--augment/--no-augment", "augmented", default=True, help="The dataset's own way.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The run's folder.")
@click.option("--workers", type=click.IntRange(min=1), help="Training processes.  [default: cores]")
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
    default=Patience.seconds,
    help="Or after so long a session: up to 32 models on one backend, in 3 processes or more.",
)
@click.option("--pin", default="", help="Cores that timing processes are pinned to, as 0,1.")
@click.option("--quick", is_flag=True, help="One timing process instead of three: placement unseen.")
@click.option(
    "--dense-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A run folder whose dense models are taken over instead of training the same ones again.",
)
@click.option("--fresh", is_flag=True, help="Forget what this run's folder holds and start again.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
def run(
    *,
    config: Path | None,  # noqa: ARG001 -- read by its callback
    out: Path | None,
    workers: int | None,
    time_limit: float,
    precision: float,
    timing_seconds: float,
    pin: str,
    quick: bool,
    dense_from: Path | None,
    fresh: bool,
    dry_run: bool,
    **axes: Any,  # noqa: ANN401 -- the axes and recipe as click names them
) -> None:
    """Prune, fine-tune and time every combination, then rank the methods on each backend.

    Finished steps are kept: the same command again only reports, a wider one computes what is new.
    Exit code 0: done; 1: some cells failed and are listed; 2: the request was wrong.
    """
    began = time.perf_counter()
    from harness.ledger import Ledger
    from harness.plan import make_plan
    from harness.request import Request, run_folder
    from harness.terminal import console, print_plan

    recipe = Recipe(**{item.name: axes.pop(item.name) for item in fields(Recipe)})
    catalogue = discover()
    grid = Request(**axes, recipe=recipe).grid(catalogue)
    folder = run_folder(grid, out)
    patience = Patience(precision=precision, seconds=timing_seconds)
    execution = Execution(
        workers=workers or physical_cores(),
        time_limit=time_limit,
        patience=replace(patience, least=1, most=1) if quick else patience,
        cores=cores_to_pin(pin),
        dense_from=dense_from,
    )
    processes = execution.patience.least
    ledger = Ledger(folder)
    if dry_run:
        print_plan(console(), make_plan(grid, [] if fresh else ledger.rows(), processes=processes))
        return
    with ledger.lock():
        if fresh:
            from harness.runner import clear

            clear(folder)
        plan = make_plan(grid, ledger.rows(), processes=processes)
        timesheet = Timesheet()
        _carry_out(plan, folder, catalogue, grid, execution, timesheet=timesheet)
        failed = _show(folder, plan, catalogue, grid)
    if plan.owed:
        spent = time.perf_counter() - began
        click.echo(time_sentence(timesheet, seconds=spent, workers=execution.workers), err=True)
    if failed:
        sys.exit(1)


def _carry_out(
    plan: Plan,
    folder: Path,
    catalogue: Catalogue,
    grid: Grid,
    execution: Execution,
    *,
    timesheet: Timesheet,
) -> None:
    if not plan.owed:
        click.echo(f"Nothing to do: all {len(plan.cells)} cells are in {folder}.", err=True)
        return
    from harness.engines.local import preloads_of, start_server, wait_for_server
    from harness.progress import ConsoleProgress

    with timesheet.counting("starting"):
        start_server(preloads_of(grid.dataset))
        from harness.runner import Runner

        wait_for_server(preloads_of(grid.dataset))
    with ConsoleProgress(len(plan.owed)) as progress:
        runner = Runner(folder, execution, catalogue=catalogue, observer=progress, timesheet=timesheet)
        runner.carry_out(plan, threads=grid.threads)


def _show(folder: Path, plan: Plan, catalogue: Catalogue, grid: Grid) -> bool:
    """Print and write what there is; whether a cell of the plan failed."""
    from harness.ledger import Ledger
    from harness.terminal import console, print_ranking, print_unmeasured

    asked = {cell.key for cell in plan.cells}
    rows = [row for row in Ledger(folder).rows() if row["key"] in asked]
    print_ranking(console(), rows, batch=min(grid.batches))
    print_unmeasured(console(), rows, "skipped")
    _write_reports(folder, catalogue)
    print_unmeasured(console(stderr=True), rows, "failed")
    return any(row["status"] == "failed" for row in rows)


cli.add_command(compare)
cli.add_command(doctor)


@cli.command("list", context_settings=SETTINGS)
def list_plugins() -> None:
    """Show every plugin, and which ones are broken or unavailable, and why."""
    from harness.terminal import console, print_catalogue

    print_catalogue(console(), discover())


@cli.command(context_settings=SETTINGS)
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Make the tables, the leaderboard and the picture of a run again, from its rows alone."""
    from harness.ledger import ROWS, Ledger
    from harness.terminal import console, print_ranking

    if not (folder / ROWS).is_file():
        near = sorted(path.parent.as_posix() for path in folder.parent.glob(f"*/{ROWS}"))
        raise UnknownNameError("run folder", folder.as_posix(), near)
    print_ranking(console(), Ledger(folder).rows())
    _write_reports(folder, discover())


def _write_reports(folder: Path, catalogue: Catalogue) -> None:
    from harness.report import write_reports

    written, problems = write_reports(folder, catalogue)
    for problem in problems:
        click.echo(f"harness: warning: {problem}", err=True)
    click.echo(f"Wrote {', '.join(path.as_posix() for path in written)}", err=True)


def main() -> None:
    """Run the command line: errors of the request in one line on stderr, with exit code 2."""
    try:
        cli.main(prog_name="harness", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        click.echo("\nStopped. Finished steps are kept; the same command goes on from there.", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        _fail(error.format_message())
    except HarnessError as error:
        _fail(str(error))
    except OSError as error:
        # A full disk or a folder that cannot be written: what is finished is kept.
        click.echo(
            f"harness: error: {error.strerror or error}: {error.filename or ''}".rstrip(": "), err=True
        )
        sys.exit(1)


def _fail(message: str) -> None:
    click.echo(f"harness: error: {' '.join(message.split())}", err=True)
    sys.exit(2)
