"""The command line: which commands there are, and how their errors reach a person."""

from __future__ import annotations

import io
import sys

import click

from harness.console.lazy_group import LazyCommand, LazyGroup
from harness.errors import HarnessError, visible
from harness.options.declaration import SETTINGS

INTERRUPTED_EXIT_CODE = 130
"""Of shells for Ctrl-C."""

COMMANDS = {
    "clean": LazyCommand("harness.commands.clean:clean", "Show and remove what is left over."),
    "check": LazyCommand(
        "harness.testing.checking.command:check", "Check plugins against their contracts."
    ),
    "compare": LazyCommand("harness.commands.compare:compare", "Hold a newer run against a base."),
    "convert": LazyCommand("harness.commands.convert:convert", "Write a run for MLflow or `datasets`."),
    "coverage": LazyCommand(
        "harness.commands.coverage:coverage", "Try which architectures can be pruned."
    ),
    "doctor": LazyCommand("harness.commands.doctor:doctor", "Show this machine, and test its clock."),
    "export": LazyCommand("harness.commands.export:export", "Write a model of a run as files."),
    "list": LazyCommand(
        "harness.commands.plugins.list:list_plugins", "Show every plugin, and what is broken."
    ),
    "merge": LazyCommand("harness.commands.merge:merge", "Merge runs of several machines into one."),
    "new": LazyCommand("harness.commands.plugins.new:new", "Begin a plugin of your own."),
    "publish": LazyCommand("harness.commands.publish:publish", "Make a site of leaderboards."),
    "replicate": LazyCommand(
        "harness.commands.replicate:replicate", "Run a grid again with other seeds, and compare."
    ),
    "report": LazyCommand("harness.commands.report:report", "Rank a run again, from its rows alone."),
    "run": LazyCommand("harness.commands.run:run", "Prune, time and rank every combination."),
    "show": LazyCommand("harness.commands.plugins.show:show", "Show one plugin, and how it is used."),
    "submit": LazyCommand("harness.commands.submit:submit", "Write a run as one file, to hand in."),
    "verify": LazyCommand("harness.commands.verify:verify", "Check a submission, or run it again."),
}
EXAMPLES = """\b
harness list                                  what there is to run
harness run --pruners all --models resnet18   run and rank it
harness report results/resnet18-digits        rank again, from the rows alone
harness doctor --clock                        test this machine's clock
"""


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings=SETTINGS, epilog=EXAMPLES)
@click.version_option(package_name="pruning-harness", prog_name="harness")
def cli() -> None:
    """Which pruning method keeps the most accuracy for the milliseconds it saves, on this hardware?"""


def main() -> None:
    """Run the command line: errors of the request in one line on stderr, with exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A letter that the locale cannot spell is no reason to lose a table.
        sys.stdout.reconfigure(errors="replace")
    try:
        cli.main(prog_name="harness", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        click.echo("\nStopped. Finished steps are kept; the same command goes on from there.", err=True)
        sys.exit(INTERRUPTED_EXIT_CODE)
    except click.ClickException as error:
        _fail(error.format_message())
    except HarnessError as error:
        _fail(str(error))
    except UnicodeEncodeError as error:
        name = ascii(error.object[:100])
        _fail(f"{name} cannot be spelt in this locale ({error.encoding}): set LC_ALL=C.UTF-8")
    except OSError as error:
        # A full disk or a folder that cannot be written: what is finished is kept.
        click.echo(
            visible(f"harness: error: {error.strerror or error}: {error.filename or ''}".rstrip(": ")),
            err=True,
        )
        sys.exit(1)


def _fail(message: str) -> None:
    click.echo(f"harness: error: {visible(' '.join(message.split()))}", err=True)
    sys.exit(2)
