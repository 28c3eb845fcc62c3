"""`harness submit`: a run as one file, for somebody else's leaderboard."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from harness.exchange.submission import SUFFIX, write_submission
from harness.options.declaration import SETTINGS
from harness.options.value_types import WritablePath
from harness.storage.run_folder import RunFolder

EXAMPLES = f"""\b
harness submit results/resnet18-digits      resnet18-digits{SUFFIX}, here
harness verify resnet18-digits{SUFFIX}      what whoever receives it will do first
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--out",
    type=WritablePath(dir_okay=False),
    help=f"The file.  [default: RUN's name with {SUFFIX}]",
)
@click.option("--by", default="", help="Whom to ask about it; kept in the file's manifest.")
def submit(*, folder: Path, out: Path | None, by: str) -> None:
    """Write RUN as one file: rows, samples, what was asked for, checksums, and the machines behind it.

    Models are not in it. Names of files and folders are not in it either, but for the run's own name
    and what was typed as --dataset, --data-dir or --weights.
    """
    run = RunFolder(folder)
    path = out or Path(f"{folder.name}{SUFFIX}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_submission(run, path, submitter=by, submitted_at=now)
    size = path.stat().st_size / 1e6
    click.echo(f"Wrote {path.as_posix()}: {len(run.rows)} rows, {size:.1f} MB")
