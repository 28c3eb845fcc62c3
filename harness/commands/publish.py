"""`harness publish`: a static site of the leaderboards of runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from harness.discovery.loading import discover
from harness.exchange.submission import opened_run
from harness.exchange.verification import check_rows, checked_on
from harness.options.declaration import SETTINGS, plugin_option, with_options
from harness.options.ranking_options import RankingOptions
from harness.options.run_options import beyond_defaults
from harness.options.value_types import WritablePath
from harness.publishing.reported import read_reported
from harness.publishing.site import write_site
from harness.publishing.site_content import PublishedRun, SiteContent
from harness.storage.run_folder import SAMPLES

EXAMPLES = """\b
harness publish results/resnet18-digits                    a site in site/
harness publish results/* --out public                     of several runs, elsewhere
harness publish results/* theirs.harness.zip               beside what others handed in
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--out",
    type=WritablePath(file_okay=False),
    default=Path("site"),
    help="The site's folder: an empty one, or an earlier build, which is replaced.",
)
@click.option(
    "--reported",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file of values of papers, shown beside what was measured.",
)
@plugin_option
@with_options(RankingOptions)
def publish(
    options: RankingOptions,
    *,
    runs: tuple[Path, ...],
    out: Path,
    reported: Path | None,
    plugin: str,
) -> None:
    """Make a static site of the leaderboards of one RUN or several, as one board where they compare.

    A RUN is a folder, or a file of `harness submit`, whose rows are marked as claimed, or as checked
    where `harness verify --record` left its record beside it. Open index.html: it needs no server and
    no network. The same rows make the same files again; what changed at the top of boards since the
    build that stood in the folder is told.
    """
    offers = discover(plugin).offers
    with tempfile.TemporaryDirectory(prefix="harness-publish-") as unpacked:
        content = SiteContent(
            runs=[
                _published(run, Path(unpacked) / str(number))
                for number, run in enumerate(dict.fromkeys(runs))
            ],
            rule=options.rule(),
            descriptions={(offer.kind, offer.name): offer.description for offer in offers},
            reported=read_reported(reported) if reported else (),
        )
        written = write_site(content, out)
    click.echo(f"Wrote {written} files; open {(out / 'index.html').as_posix()}")


def _published(path: Path, unpacked: Path) -> PublishedRun:
    """Run of a folder, or of a submission, which is unpacked."""
    folder, submission = opened_run(path, unpacked)
    if submission:
        check_rows(path, folder.rows)
    checked = checked_on(path) if submission else ""
    return PublishedRun(
        name=path.name,
        rows=folder.rows,
        options=beyond_defaults(folder.options),
        samples=folder.path / SAMPLES,
        tier="ours" if submission is None else "checked" if checked else "claimed",
        since="" if submission is None else checked or submission.submitted,
    )
