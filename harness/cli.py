"""The command line: run, list, report, compare, export, coverage, doctor."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.compare import compare
from harness.cover import coverage
from harness.deliver import export
from harness.discovery import discover
from harness.doctor import doctor
from harness.errors import HarnessError
from harness.options import SETTINGS
from harness.run import run

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


cli.add_command(run)
cli.add_command(compare)
cli.add_command(coverage)
cli.add_command(doctor)
cli.add_command(export)


@cli.command("list", context_settings=SETTINGS)
def list_plugins() -> None:
    """Show every plugin, and which ones are broken or unavailable, and why."""
    from harness.terminal import console, print_catalogue

    print_catalogue(console(), discover())


@cli.command(context_settings=SETTINGS)
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Make the tables, the leaderboard and the picture of a run again, from its rows alone."""
    from harness.ranking import RankedRows
    from harness.run_folder import RunFolder
    from harness.terminal import console, print_ranking, print_reports

    rows = RankedRows(RunFolder(folder).rows)
    print_ranking(console(), rows)
    print_reports(folder, rows, discover())


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
