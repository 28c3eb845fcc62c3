"""`harness merge`: runs of several machines, or of several days, as one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from harness.console.tables import print_reports
from harness.discovery.loading import discover
from harness.exchange.merge import merge_runs
from harness.exchange.submission import opened_run
from harness.options.declaration import SETTINGS, plugin_option, with_options
from harness.options.ranking_options import RankingOptions
from harness.options.value_types import WritablePath
from harness.ranking.leaderboard import RankedRows
from harness.storage.run_folder import RunFolder

EXAMPLES = """\b
harness merge results/mine results/theirs --out results/both
"""
MOST_LINES = 20


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--out",
    required=True,
    type=WritablePath(file_okay=False),
    help="The folder of the merged run, which is new.",
)
@plugin_option
@with_options(RankingOptions)
def merge(options: RankingOptions, *, runs: tuple[Path, ...], out: Path, plugin: str) -> None:
    """Merge RUNs into one run folder: rows, samples and reports; models stay where they are.

    A RUN is a folder, or a file of `harness submit`.

    A cell that two machines measured is two measurements, of which a board shows the later; copies are
    dropped, rows of earlier releases get the columns of this one. Measurements of one cell on one
    machine that disagree beyond their intervals are named. Boards keep kinds of machines apart.
    """
    with tempfile.TemporaryDirectory(prefix="harness-merge-") as unpacked:
        folders = [
            opened_run(run, Path(unpacked) / str(number))[0]
            for number, run in enumerate(dict.fromkeys(runs))
        ]
        merged = merge_runs(folders, out)
    counts = f"{len(merged.rows)} rows, {merged.copies} copies dropped"
    click.echo(f"{counts}, {merged.migrated} of earlier releases, which do not name their machine.")
    for text in merged.disagreements[:MOST_LINES]:
        click.echo(f"disagree on one machine: {text}")
    if len(merged.disagreements) > MOST_LINES:
        click.echo(f"and {len(merged.disagreements) - MOST_LINES} more such disagreements")
    print_reports(out, RankedRows(RunFolder(out).rows, rule=options.rule()), discover(plugin))
