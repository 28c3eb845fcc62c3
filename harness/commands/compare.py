"""`harness compare`: what improved, regressed and vanished between two runs, and may a gate pass?"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands.options import SETTINGS, FiniteRange
from harness.discovery.loading import discover
from harness.errors import HarnessError, UnknownNameError
from harness.measuring.stopping import StoppingRule
from harness.ranking.agreement import kendall_tau
from harness.ranking.pairs import pairs
from harness.ranking.verdicts import TOLERANCES
from harness.runs.comparison import Comparison
from harness.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.discovery.catalogue import Catalogue
    from harness.ranking.pairs import Pair
    from harness.ranking.verdicts import Metric
    from harness.runs.comparison import MetricVerdict, RemeasuredPair

MIN_PROCESSES = 6
STOPPING_RULE = StoppingRule(least=MIN_PROCESSES, seconds=60.0)
MAX_SHOWN = 20
FAIL_ON = ",".join(f"{metric}={tolerance * 100:g}" for metric, tolerance in TOLERANCES.items())
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
    help="Losses in percent (points of accuracy) that are too much; `metric=off` lets one pass.",
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
def compare(
    *,
    base: Path,
    new: Path,
    fail_on: str,
    remeasure: bool,
    base_backends: Path | None,
    timing_seconds: float,
    everything: bool,
) -> None:
    """Hold the run folder NEW against BASE: a verdict for each metric of each pair of rows.

    A pair has the same settings. `same` and `worse` are certain at 95 %, `ambiguous` is neither.
    Latencies of two sessions differ by several per cent for unchanged code, so they fail nothing
    unless --remeasure times both again, in the same processes and rounds.

    Exit code 0: nothing certainly regressed; 1: something did, or fails now; 2: a wrong request.
    """
    tolerances = _tolerances(fail_on)
    ours, theirs = RunFolder(base), RunFolder(new)
    found = pairs(ours.rows, theirs.rows)
    catalogue = discover()
    again: Mapping[str, RemeasuredPair] = {}
    if remeasure:
        stopping_rule = replace(STOPPING_RULE, seconds=timing_seconds)
        again = _remeasured(
            found,
            base=ours,
            new=theirs,
            base_backends=base_backends,
            catalogue=catalogue,
            stopping_rule=stopping_rule,
            tolerance=tolerances["latency"],
        )
    comparison = Comparison(base=ours, new=theirs, pairs=found, tolerances=tolerances, remeasured=again)
    findings = list(comparison.findings(catalogue))
    _show(findings, found, most=sys.maxsize if everything else MAX_SHOWN)
    _show_agreement(ours, theirs)
    if _failed(findings, found):
        sys.exit(1)


def _tolerances(text: str) -> dict[Metric, float]:
    """What `--fail-on` says, in fractions; what it does not name keeps its default."""
    tolerances = dict(TOLERANCES)
    known = {str(metric): metric for metric in TOLERANCES}
    for term in text.split(","):
        name, _, value = (shard.strip() for shard in term.partition("="))
        if name not in known:
            raise UnknownNameError("metric", name, list(known))
        try:
            tolerances[known[name]] = float("inf") if value == "off" else float(value) / 100
        except ValueError:
            raise HarnessError(
                f"--fail-on: {name} takes a number of percent or off, not {value!r}"
            ) from None
        if not tolerances[known[name]] >= 0.0:
            raise HarnessError(f"--fail-on: {name}={value} is below 0")
    return tolerances


def _remeasured(
    found: Sequence[Pair],
    *,
    base: RunFolder,
    new: RunFolder,
    base_backends: Path | None,
    catalogue: Catalogue,
    stopping_rule: StoppingRule,
    tolerance: float,
) -> dict[str, RemeasuredPair]:
    from harness.commands.progress import ConsoleProgress
    from harness.discovery.backend_file import backend_files
    from harness.machine.clock import Limits
    from harness.runs.remeasurement import Sides, remeasure
    from harness.storage.ledger import Ledger

    sides = Sides(
        base=base,
        new=new,
        base_backends=backend_files(base_backends) if base_backends else {},
        catalogue=catalogue,
        limits=Limits(seconds=min(1.0, stopping_rule.seconds)),
    )
    sessions = sides.sessions(found)
    if not sessions:
        raise HarnessError(
            f"--remeasure needs the models of both runs, and {base.path} and {new.path} keep none that "
            "pair up (a run keeps them in artifacts/)"
        )
    pending = sum(len(session.pairs) for session in sessions)
    with Ledger(new.path).lock(), ConsoleProgress(pending) as progress:
        return remeasure(
            sessions,
            log=new.path / "log.txt",
            stopping_rule=stopping_rule,
            tolerance=tolerance,
            observer=progress,
        )


def _show(findings: Sequence[MetricVerdict], found: Sequence[Pair], *, most: int) -> None:
    from harness.commands.tables import console, print_findings, print_table

    page = console()
    counted = Counter((finding.metric, _word(finding)) for finding in findings)
    print_table(page, ("metric", "verdict", "pairs"), [(*key, n) for key, n in counted.items()])
    for title, verdict in (("Regressed", "worse"), ("Improved", "better")):
        chosen = [finding for finding in findings if finding.verdict == verdict]
        print_findings(page, title, [(f, _word(f)) for f in chosen[:most]])
        if len(chosen) > most:
            click.echo(f"... and {len(chosen) - most} more; --all shows them")
    lost = [(pair.label, "vanished") for pair in found if pair.vanished]
    lost += [(p.label, f"{p.new['status']}: {p.new['reason']}") for p in found if p.broken and p.new]
    print_table(page, ("what", "became of it"), lost[:most], title="Vanished or broken")
    added = sum(pair.base is None for pair in found)
    click.echo(
        f"{len(found) - added} rows of the base, {len(lost)} of them lost; {added} rows are new."
    )
    if any(finding.verdict == "ambiguous" for finding in findings):
        click.echo("Ambiguous pairs may be worse or not: more seeds or test images, or more time.")


def _word(finding: MetricVerdict) -> str:
    worse, better = WORDS[finding.metric]
    words = {"worse": worse, "better": better}
    said = words.get(finding.verdict, finding.verdict)
    return said if finding.decides else f"{said} (two sessions: reported only)"


def _show_agreement(base: RunFolder, new: RunFolder) -> None:
    tau, counted = kendall_tau(base.rows, new.rows)
    if tau is not None:
        click.echo(
            f"Kendall's tau between the rankings: {tau:.3f} over the {counted} pairs of methods whose "
            "scores' intervals do not overlap."
        )


def _failed(findings: Sequence[MetricVerdict], found: Sequence[Pair]) -> bool:
    regressed = sum(finding.verdict == "worse" and finding.decides for finding in findings)
    broken = sum(pair.broken for pair in found)
    if regressed or broken:
        click.echo(f"harness: {regressed} regressions and {broken} broken rows", err=True)
    else:
        click.echo("Nothing certainly regressed.")
    return bool(regressed or broken)
