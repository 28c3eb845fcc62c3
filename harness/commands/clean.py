"""`harness clean`: what is needed no more, with its size, and removed where that is said."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

import click

from harness.options.declaration import SETTINGS
from harness.options.value_types import FiniteRange
from harness.storage.ledger import Ledger
from harness.storage.leftovers import (
    Leftover,
    cache_leftovers,
    remove,
    run_leftovers,
    temporary_leftovers,
)
from harness.storage.run_folder import RunFolder

EXAMPLES = """\b
harness clean                                     caches of this machine, and what killed runs left
harness clean results/resnet18-digits             what that run's rows need no more
harness clean results/resnet18-digits --remove    the same, removed
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--remove", "removes", is_flag=True, help="Remove it. Nothing is, unless this is said.")
@click.option(
    "--days",
    type=FiniteRange(min=0),
    default=30,
    help="Of caches, how long they were not used.",
)
def clean(*, runs: tuple[Path, ...], removes: bool, days: float) -> None:
    """Show what is needed no more and how large it is: of RUNs, or of this machine's caches.

    Of a run these are scores and files that are made again where they are wanted, models between
    rounds, and what was set aside or half-written. Its rows, their models and records always stay;
    a run that is not finished begins the rounds of its unfinished trials again.
    """
    if not runs:
        _clean([*cache_leftovers(days=days), *temporary_leftovers()], removes=removes)
    for run in map(RunFolder, runs):
        # Nothing goes that a run is about to use.
        with Ledger(run.path).lock() if run.rows and removes else nullcontext():
            _clean(run_leftovers(run), removes=removes)


def _clean(leftovers: list[Leftover], *, removes: bool) -> None:
    kinds = defaultdict[str, list[Leftover]](list)
    for leftover in leftovers:
        kinds[leftover.what].append(leftover)
    for what, own in kinds.items():
        size = sum(leftover.megabytes for leftover in own)
        first = own[0].path if len(own) == 1 else f"{len(own)}, as {own[0].path}"
        click.echo(f"{size:10.1f} MB  {first}: {what}")
    if removes:
        for leftover in leftovers:
            remove(leftover)
    total = sum(leftover.megabytes for leftover in leftovers)
    told = "removed" if removes else "can go; --remove removes it"
    click.echo(f"{total:10.1f} MB  {told}" if leftovers else "Nothing is left over.")
