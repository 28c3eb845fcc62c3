"""`harness report`: tables, leaderboard and picture of a run, made again from its rows."""

from __future__ import annotations

from pathlib import Path

import click

from harness.console.options import SETTINGS, plugin_option, with_options
from harness.console.ranking_options import RankingOptions
from harness.console.tables import console, print_ranking, print_reports
from harness.discovery.loading import discover
from harness.ranking.leaderboard import RankedRows
from harness.storage.run_folder import RunFolder


@click.command(context_settings=SETTINGS)
@click.argument("folder", type=click.Path(path_type=Path))
@plugin_option
@with_options(RankingOptions)
def report(options: RankingOptions, folder: Path, plugin: str) -> None:
    """Make the tables, the leaderboard and the picture of a run again, from its rows alone."""
    rows = RankedRows(RunFolder(folder).rows, rule=options.rule())
    print_ranking(console(), rows)
    print_reports(folder, rows, discover(plugin))
