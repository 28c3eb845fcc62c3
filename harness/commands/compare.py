"""`harness compare`: what improved, regressed and vanished between two runs, and may a gate pass?"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.comparisons.comparison import Comparison
from harness.comparisons.fail_on import FAIL_ON, read_fail_on
from harness.discovery.loading import discover
from harness.measuring.stopping import StoppingRule
from harness.options.declaration import SETTINGS, plugin_option
from harness.options.value_types import FiniteRange
from harness.ranking.agreement import rank_agreement
from harness.ranking.pairs import pairs
from harness.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.comparisons.comparison import MetricVerdict, RemeasuredPair
    from harness.comparisons.verdicts import Metric
    from harness.ranking.pairs import Pair

MIN_PROCESSES = 6
STOPPING_RULE = StoppingRule(least=MIN_PROCESSES, seconds=60.0)
MAX_SHOWN = 20
FOLDER = click.Path(path_type=Path)
WORDS: Mapping[Metric, tuple[str, str]] = {
    "accuracy": ("worse", "better"),
    "latency": ("slower", "faster"),
    "size": ("larger", "smaller"),
    "masks": ("changed", "unchanged"),
    "score": ("worse", "better"),
}
EXAMPLES = """\b
harness compare results/base results/new                what changed, latencies reported only
harness compare results/base results/new --remeasure    latencies of both timed in one session
harness compare A B --fail-on accuracy=1,latency=off     what fails, in percent
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("base", type=FOLDER)
@click.argument("new", type=FOLDER)
@click.option(
    "--fail-on",
    default=FAIL_ON,
    help="Losses in percent (points of accuracy) that are too much; `metric=off` lets one pass, as do "
    "`lost=off` and `unsteady=off` rows that NEW lacks and times that say nothing.",
)
@click.option("--remeasure", is_flag=True, help="Time the kept models of both again, in turn.")
@click.option(
    "--base-backends",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Python files of the base's backends, which time its models. They are run: trust them.",
)
@click.option(
    "--timing-seconds",
    type=FiniteRange(min=0),
    default=STOPPING_RULE.seconds,
    help="Of a session with --remeasure, unless its verdicts are certain before.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Show every change, not the first 20 of a kind."
)
@plugin_option
def compare(
    *,
    base: Path,
    new: Path,
    fail_on: str,
    remeasure: bool,
    base_backends: Path | None,
    timing_seconds: float,
    everything: bool,
    plugin: str,
) -> None:
    """Hold the run folder NEW against BASE: a verdict for each metric of each pair of rows.

    A pair has the same settings. `same` and `worse` are certain at 95 %, `ambiguous` is neither.
    Latencies of two sessions differ by several per cent for unchanged code, so they fail nothing
    unless --remeasure times both again, in the same processes and rounds.

    Exit code 0: nothing certainly regressed; 1: something did, fails now, is lost or cannot be told;
    2: a wrong request.
    """
    fails = read_fail_on(fail_on, remeasured=remeasure)
    ours, theirs = RunFolder(base), RunFolder(new)
    row_pairs = pairs(ours.rows, theirs.rows)
    catalogue = discover(plugin)
    remeasured: Mapping[str, RemeasuredPair] = {}
    if remeasure:
        from harness.comparisons.remeasurement import Remeasurement
        from harness.console.progress import ConsoleProgress
        from harness.discovery.backend_file import backend_files

        remeasured = Remeasurement(
            base=ours,
            new=theirs,
            catalogue=catalogue,
            base_backends=backend_files(base_backends) if base_backends else {},
            stopping_rule=replace(STOPPING_RULE, seconds=timing_seconds),
            tolerance=fails.tolerances["latency"],
        ).measure(row_pairs, ConsoleProgress)
    comparison = Comparison(
        base=ours, new=theirs, pairs=row_pairs, tolerances=fails.tolerances, remeasured=remeasured
    )
    verdicts = list(comparison.verdicts(catalogue))
    _show(verdicts, row_pairs, most=sys.maxsize if everything else MAX_SHOWN)
    _show_agreement(ours, theirs)
    lost = sum(pair.vanished for pair in row_pairs)
    unsteady = sum(again.new["steady"] is False for again in remeasured.values())
    if _conclude(verdicts, row_pairs, fails.sentences({"lost": lost, "unsteady": unsteady})):
        sys.exit(1)


def _show(verdicts: Sequence[MetricVerdict], row_pairs: Sequence[Pair], *, most: int) -> None:
    from harness.console.tables import console, print_findings, print_table

    page = console()
    counted = Counter((one.metric, _word(one)) for one in verdicts)
    metrics = list(WORDS)
    ordered = sorted(counted.items(), key=lambda item: (metrics.index(item[0][0]), item[0][1]))
    print_table(page, ("metric", "verdict", "pairs"), [(*key, n) for key, n in ordered])
    for title, verdict in (("Regressed", "worse"), ("Improved", "better")):
        chosen = [one for one in verdicts if one.verdict == verdict]
        print_findings(page, title, [(one, _word(one)) for one in chosen[:most]])
        if len(chosen) > most:
            click.echo(f"... and {len(chosen) - most} more; --all shows them")
    lost = [(pair.label, "vanished") for pair in row_pairs if pair.vanished]
    lost += [
        (p.label, f"{p.new['status']}: {p.new['reason']}") for p in row_pairs if p.broken and p.new
    ]
    print_table(page, ("what", "became of it"), lost[:most], title="Vanished or broken")
    added = sum(pair.base is None for pair in row_pairs)
    click.echo(
        f"{len(row_pairs) - added} rows of the base, {len(lost)} of them lost; {added} rows are new."
    )
    if any(one.verdict == "ambiguous" for one in verdicts):
        click.echo("Ambiguous pairs may be worse or not: more seeds or test images, or more time.")


def _word(verdict: MetricVerdict) -> str:
    worse, better = WORDS[verdict.metric]
    words = {"worse": worse, "better": better}
    said = words.get(verdict.verdict, verdict.verdict)
    if verdict.edited and verdict.verdict == "worse":
        return f"{said}, as did its source (--fail-on masks=off lets it pass)"
    return said if verdict.decides else f"{said} (two sessions: reported only)"


def _show_agreement(base: RunFolder, new: RunFolder) -> None:
    from harness.console.agreement import agreement_sentences

    for sentence in agreement_sentences(rank_agreement(base.rows, new.rows)):
        click.echo(sentence)


def _conclude(
    verdicts: Sequence[MetricVerdict], row_pairs: Sequence[Pair], closed: Sequence[str]
) -> bool:
    """Say whether something failed, `closed` gates among it, and return it."""
    regressed = sum(one.verdict == "worse" and one.decides for one in verdicts)
    broken = sum(pair.broken for pair in row_pairs)
    failures = [*closed]
    if regressed or broken:
        failures.insert(0, f"{regressed} regressions and {broken} broken rows")
    if not any(pair.both for pair in row_pairs):
        failures.append("no measured row of the base is measured in NEW, so nothing was compared")
    for sentence in failures:
        click.echo(f"harness: {sentence}", err=True)
    if not failures:
        click.echo("Nothing certainly regressed.")
    return bool(failures)
