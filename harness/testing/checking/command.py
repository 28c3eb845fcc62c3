"""`harness check`: a distribution's or a file's plugins against their contracts."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from harness.options.declaration import SETTINGS
from harness.options.value_types import FiniteRange
from harness.testing.checking.check_job import BROKEN, KEPT, SKIPPED
from harness.testing.checking.plugin_check import SECONDS, PluginSource

if TYPE_CHECKING:
    from harness.testing.checking.check_job import Verdict

EXAMPLES = """\b
harness check harness-kurtosis           an installed distribution
harness check kurtosis.py                a file, as for --plugin
harness check harness-kurtosis --json    for a program
"""
COLOURS = {KEPT: "green", BROKEN: "red", SKIPPED: "yellow"}


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("source", metavar="DISTRIBUTION|FILE")
@click.option(
    "--time-limit",
    type=FiniteRange(min=0, min_open=True),
    default=SECONDS,
    help="Seconds that one plugin's promises may take, and a run with it.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON: an array of objects, one a promise.")
def check(*, source: str, time_limit: float, as_json: bool) -> None:
    """Check plugins: discovery, names, every promise of their contracts, and a small run with each.

    A line for each promise: kept, broken with the reason, or skipped where this machine cannot tell.
    Plugins are run, in processes of their own. Exit code 1 where a promise is broken.
    """
    verdicts: list[Verdict] = []
    for verdict in PluginSource.named(source, time_limit=time_limit).verdicts(tell=_tell):
        if not as_json:
            _print(verdict, verdicts[-1] if verdicts else None)
        verdicts.append(verdict)
    counts = Counter(verdict.verdict for verdict in verdicts)
    if as_json:
        click.echo(json.dumps([asdict(verdict) for verdict in verdicts], indent=1))
    else:
        words = ", ".join(f"{counts[v]} {v}" for v in (KEPT, BROKEN, SKIPPED))
        click.echo(f"\n{len(verdicts)} {'promise' if len(verdicts) == 1 else 'promises'}: {words}.")
    sys.exit(1 if counts[BROKEN] or not verdicts else 0)


def _tell(what: str) -> None:
    """Say what is being tried, where a person waits for it; the next line takes its place."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{what} ...\r", nl=False, err=True)


def _print(verdict: Verdict, before: Verdict | None) -> None:
    if sys.stderr.isatty():
        click.echo("\033[K", nl=False, err=True)
    plugin = (verdict.kind, verdict.plugin)
    if before is None or plugin != (before.kind, before.plugin):
        click.secho(f"{verdict.kind} {verdict.plugin}".strip(), bold=True)
    word = click.style(f"{verdict.verdict:8}", fg=COLOURS[verdict.verdict])
    click.echo(f"  {word} {verdict.promise.removeprefix(verdict.plugin).removeprefix(':').strip()}")
    if verdict.reason:
        click.echo(f"           {verdict.reason}")
