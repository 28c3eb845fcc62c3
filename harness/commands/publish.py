"""`harness publish`: a static site of the leaderboards of runs."""

from __future__ import annotations

from pathlib import Path

import click

from harness.console.options import SETTINGS, plugin_option, with_options
from harness.console.ranking_options import RankingOptions
from harness.console.run_options import beyond_defaults
from harness.discovery.loading import discover
from harness.publishing.site import write_site
from harness.publishing.site_content import PublishedRun, SiteContent
from harness.storage.run_folder import SAMPLES, RunFolder

EXAMPLES = """\b
harness publish results/resnet18-digits                    a site in site/
harness publish results/* --out public                     of several runs, elsewhere
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("site"),
    help="The site's folder: an empty one, or an earlier build, which is replaced.",
)
@plugin_option
@with_options(RankingOptions)
def publish(options: RankingOptions, runs: tuple[Path, ...], out: Path, plugin: str) -> None:
    """Make a static site of the leaderboards of one RUN or several, as one board where they compare.

    Open index.html: it needs no server and no network. The same rows make the same files again;
    what changed at the top of boards since the build that stood in the folder is told.
    """
    offers = discover(plugin).offers
    content = SiteContent(
        runs=[_published(RunFolder(run)) for run in dict.fromkeys(runs)],
        rule=options.rule(),
        descriptions={(offer.kind, offer.name): offer.description for offer in offers},
    )
    written = write_site(content, out)
    click.echo(f"Wrote {written} files; open {(out / 'index.html').as_posix()}", err=True)


def _published(folder: RunFolder) -> PublishedRun:
    return PublishedRun(
        name=folder.path.name,
        rows=folder.rows,
        options=beyond_defaults(folder.options),
        samples=folder.path / SAMPLES,
    )
