"""`harness verify`: whether a submission can be what it says, and what running it again gives."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.console.tables import console, print_table
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.exchange.differences import difference_table
from harness.exchange.rerun import chosen_cells, rerun
from harness.exchange.submission import opened_run
from harness.exchange.verification import verify as verification_of
from harness.exchange.verification import write_record
from harness.options.declaration import SETTINGS, plugin_option
from harness.options.run_options import beyond_defaults
from harness.presentation.table import escaped_markdown, interval_text
from harness.ranking.leaderboard import RankedRows
from harness.storage.files import write_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.exchange.rerun import Rerun
    from harness.exchange.verification import Check, Verification
    from harness.ranking.leaderboard import Leaderboard
    from harness.storage.run_folder import RunFolder

EXAMPLES = """\b
harness verify theirs.harness.zip                      everything but running it
harness verify theirs.harness.zip --rerun 5 --record   five random cells again, and a record of it
harness verify theirs.harness.zip --beside results/ours --comment comment.md
"""
MOST_FINDINGS = 20
MOST_LETTERS = 60_000
"""Of a comment; GitHub takes 65,536."""
HEADERS = ("cell", "top-1", "here", "MACs", "here", "saves of dense time", "here", "")


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE|RUN")
@click.option(
    "--rerun", "count", type=click.IntRange(min=0), default=0, help="Random cells to run again."
)
@click.option(
    "--choice", type=int, help="A number that chooses the same cells again.  [default: random]"
)
@click.option(
    "--record", is_flag=True, help="Write beside FILE that it was checked, where nothing is wrong."
)
@click.option(
    "--beside",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A run or submission that its methods are shown beside; may be given several times.",
)
@click.option("--reference", default="group_norm_l2", help="Pruner that its scores are shown against.")
@click.option(
    "--comment",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A Markdown file of what was found and of differences, as an answer to who submitted it.",
)
@plugin_option
def verify(
    *,
    file: Path,
    count: int,
    choice: int | None,
    record: bool,
    beside: tuple[Path, ...],
    reference: str,
    comment: Path | None,
    plugin: str,
) -> None:
    """Check a submission: checksums, types, keys, and every number that follows from others.

    Accuracies are held against the test images that are marked as right, times and intervals against
    the raw samples, dense sizes against the network built here. What no check sees, as a whole run that
    was made up consistently, --rerun does: it trains and times cells here and shows how far they are
    off. Exit code 0: nothing is wrong; 1: something is, or a cell does not agree, and is listed.
    """
    if record and file.is_dir():
        raise HarnessError(f"--record: {file} is a folder; a record is of a file of `harness submit`")
    with tempfile.TemporaryDirectory(prefix="harness-verify-") as folder:
        verification = verification_of(file, Path(folder) / "unpacked", discover(plugin))
        _print_checks(verification)
        reruns = [*_reruns(verification.run, count, choice, Path(folder), plugin)]
        lines = [*map(_rerun_line, reruns)]
        print_table(console(), HEADERS, lines, title="Run again here")
        if comment is not None:
            others = [
                opened_run(path, Path(folder) / f"beside{number}")[0]
                for number, path in enumerate(beside)
            ]
            text = _comment(verification, lines, others, reference)
            write_file(comment, text.encode())
    if verification.findings or not all(one.agrees for one in reruns):
        sys.exit(1)
    if record:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        written = write_record(file, checked_at=now, reruns=[one.record() for one in reruns])
        click.echo(f"Wrote {written.as_posix()}")


def _print_checks(verification: Verification) -> None:
    for check in verification.checks:
        click.echo(f"{check.name}: {_verdict(check)} in {check.looked_at}")
        for text in check.findings[:MOST_FINDINGS]:
            click.echo(f"  {' '.join(text.split())}")
        if len(check.findings) > MOST_FINDINGS:
            click.echo(f"  and {len(check.findings) - MOST_FINDINGS} more")
        for note in check.notes:
            click.echo(f"  note: {' '.join(note.split())}")


def _verdict(check: Check) -> str:
    count = len(check.findings)
    return f"{count} finding{'s' if count != 1 else ''}" if count else "nothing wrong"


def _reruns(
    run: RunFolder, count: int, choice: int | None, folder: Path, plugin: str
) -> Iterator[Rerun]:
    options = beyond_defaults(run.options)
    for number, row in enumerate(chosen_cells(run.sound_rows, count, seed=choice)):
        click.echo(f"Running {row['key']} again ({number + 1} of {count})", err=True)
        yield rerun(row, options, folder / f"rerun{number}", plugin=plugin)


def _rerun_line(one: Rerun) -> tuple[str, ...]:
    claimed = interval_text(*one.saved, "{:.1%}")
    if one.saved_here is None or one.top1_here is None:
        return one.cell, f"{one.top1:.1%}", "-", str(one.macs), "-", claimed, "-", one.verdict
    here = interval_text(*one.saved_here, "{:.1%}")
    accuracies = f"{one.top1:.1%}", f"{one.top1_here:.1%}"
    return one.cell, *accuracies, str(one.macs), str(one.macs_here), claimed, here, one.verdict


def _comment(
    verification: Verification,
    reruns: Sequence[Sequence[str]],
    others: Sequence[RunFolder],
    reference: str,
) -> str:
    """Answer in Markdown: checks, cells that were run again, and differences on each board."""
    from tabulate import tabulate

    answer = ["### Checks\n"]
    for check in verification.checks:
        verdict = _verdict(check)
        shown = f"**{verdict}**" if check.findings else verdict
        answer.append(f"- {check.name}: {shown} in {check.looked_at}")
        texts = [*check.findings[:MOST_FINDINGS], *(f"note: {note}" for note in check.notes)]
        answer += [f"    - {escaped_markdown(text)}" for text in texts]
    if reruns:
        lines = [[escaped_markdown(text) for text in line] for line in reruns]
        answer += ["\n### Run again\n", tabulate(lines, headers=HEADERS, tablefmt="pipe")]
    if not verification.findings:
        answer += _differences(verification.run, others, reference)
    text = "\n".join(answer) + "\n"
    return (
        text
        if len(text) < MOST_LETTERS
        else f"{text[:MOST_LETTERS]}\n\n(cut: it is too long to post)\n"
    )


def _differences(run: RunFolder, others: Sequence[RunFolder], reference: str) -> Iterator[str]:
    """Tables of the submission's own boards, each beside what others have under its conditions."""
    theirs = RankedRows(row for folder in others for row in folder.rows)
    known = {_conditions(board): board for board in theirs.leaderboards}
    for board in RankedRows(run.sound_rows).leaderboards:
        table = difference_table(board, known.get(_conditions(board)), reference)
        yield f"\n### {escaped_markdown(board.title)}\n"
        yield table.markdown()


def _conditions(board: Leaderboard) -> tuple[str, ...]:
    return tuple(map(str, board.conditions.values()))
