"""`harness report`: tables, leaderboard and pictures of runs, made again from their rows."""

from __future__ import annotations

from pathlib import Path

import click

from harness.console.tables import console, print_best, print_ranking, print_reports
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.options.declaration import SETTINGS, plugin_option, with_options
from harness.options.ranking_options import RankingOptions
from harness.options.value_types import WritablePath
from harness.presentation.pictures import tradeoff_pictures
from harness.ranking.leaderboard import RankedRows
from harness.storage.files import write_file
from harness.storage.keys import file_name
from harness.storage.ledger import WAY_OUT
from harness.storage.run_folder import RunFolder

EXAMPLES = """\b
harness report results/resnet18-digits                      again, into the run's folder
harness report results/one results/other --out both         one ranking of several runs
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--out",
    type=WritablePath(file_okay=False),
    help="Where files go.  [default: the run's own folder; of several, nowhere]",
)
@click.option("--pdf", is_flag=True, help="The pictures as PDF too, for a paper.")
@plugin_option
@with_options(RankingOptions)
def report(
    options: RankingOptions, *, runs: tuple[Path, ...], out: Path | None, pdf: bool, plugin: str
) -> None:
    """Make the tables, the leaderboard and the pictures again, from rows alone.

    Several runs are ranked as one: methods that ran under the same conditions share a board, and of
    rows of the same cell that of the run named last counts.
    """
    folder = out or (runs[0] if len(runs) == 1 else None)
    if pdf and folder is None:
        raise HarnessError("--pdf: of several runs, --out says where files go")
    folders = [RunFolder(run) for run in dict.fromkeys(runs)]
    rows = RankedRows((row for run in folders for row in run.sound_rows), rule=options.rule())
    print_ranking(console(), rows)
    if folder is not None:
        print_reports(folder, rows, discover(plugin))
    if pdf and folder is not None:
        _write_pdf(folder, rows)
    for run in folders:
        for damage in run.damages:
            click.echo(
                f"harness: warning: {damage}, so it is left out; {WAY_OUT.format(run.path)}", err=True
            )
    print_best(console(), rows)


def _write_pdf(folder: Path, rows: RankedRows) -> None:
    for of, chart in tradeoff_pictures(rows.leaderboards).items():
        path = folder / f"{file_name('-'.join(('tradeoff', *of)))}.pdf"
        write_file(path, chart.pdf())
        click.echo(f"Wrote {path.as_posix()}", err=True)
