"""`harness replicate`: a run's grid again with other seeds, and whether both rank alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.console.agreement import agreement_sentences, print_side_by_side
from harness.console.tables import console
from harness.errors import HarnessError
from harness.options.declaration import SETTINGS, plugin_option
from harness.options.value_types import WritablePath
from harness.ranking.agreement import rank_agreement
from harness.ranking.leaderboard import RankedRows
from harness.storage.run_folder import OPTIONS, RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLES = """\b
harness replicate results/resnet18-digits               as many seeds again, beside the run's
harness replicate results/resnet18-digits --seeds 7,8    these, in a folder of its own
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--seeds",
    help="Of the second run; none of the first.  [default: as many, from the first's largest on]",
)
@click.option(
    "--out",
    type=WritablePath(file_okay=False),
    help="The second run's folder.  [default: RUN-replicate]",
)
@plugin_option
def replicate(folder: Path, seeds: str | None, out: Path | None, plugin: str) -> None:
    """Run the grid of RUN again with other seeds, and show where both tables place methods unlike.

    What a table claims is tested by making it again. Pairs that one of the two places apart and that
    have the opposite order in the other are errors of the ranking; finished steps are kept.
    """
    base = RunFolder(folder)
    chosen = seeds or _following_seeds(base.rows)
    _check_seeds(chosen, base.rows, folder)
    other = out or folder.with_name(f"{folder.name}-replicate")
    _run(_options_of(folder), seeds=chosen, out=other, plugin=plugin)
    rows = RankedRows(base.rows), RankedRows(RunFolder(other).rows)
    print_side_by_side(console(), *rows)
    for sentence in agreement_sentences(rank_agreement(*rows)):
        click.echo(sentence)


def _seeds_of(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return sorted({row["seed"] for row in rows})


def _following_seeds(rows: Sequence[Mapping[str, Any]]) -> str:
    seeds = _seeds_of(rows)
    return ",".join(str(max(seeds, default=-1) + step) for step in range(1, len(seeds) + 1))


def _check_seeds(chosen: str, rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Raises HarnessError where a seed is one of the first run's: what was run would be run again."""
    shared = {seed.strip() for seed in chosen.split(",")} & {*map(str, _seeds_of(rows))}
    if shared:
        raise HarnessError(f"--seeds: {', '.join(sorted(shared))} are seeds of {folder} itself")


def _options_of(folder: Path) -> Path:
    options = folder / OPTIONS
    if not options.is_file():
        raise HarnessError(
            f"{folder} does not say what was asked for: it has no {OPTIONS}, as of an earlier release; "
            "run it again with --out of its own"
        )
    return options


def _run(options: Path, *, seeds: str, out: Path, plugin: str) -> None:
    """Run as `harness run` does; failed cells are listed there, and compared with nothing here."""
    from harness.commands.run import run

    words = ["--config", str(options), "--seeds", seeds, "--out", str(out)]
    # Always said: a folder of results is not to name files that are run.
    words += ["--plugin", plugin]
    try:
        run.main(words, standalone_mode=False)
    except SystemExit as stop:
        if stop.code not in (0, 1):
            raise
