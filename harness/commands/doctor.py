"""`harness doctor`: is this machine, this clock, or a run's folder fit to be trusted?"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.machine.availability import why_unavailable
from harness.options.declaration import SETTINGS, plugin_option
from harness.storage.artifacts import DAMAGED
from harness.storage.damage import artifact_damages, sample_damages
from harness.storage.ledger import DAMAGED as DAMAGED_ROWS
from harness.storage.ledger import Ledger
from harness.storage.run_folder import OPTIONS, SAMPLES, RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.discovery.catalogue import Catalogue
    from harness.measuring.clock_check import ClockCheck

INJECTED_FRACTION = 0.03
NEAR_FRACTION = 0.01
MAX_SWAPPED_FRACTION = 0.01
WATCHED_SECONDS = 1.0


EXAMPLES = """\b
harness doctor                           this machine, and what it cannot use
harness doctor results/resnet18-digits   whether that run is what was written
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--mend", is_flag=True, help="Set aside what is damaged in the runs; nothing is deleted.")
@click.option("--clock", is_flag=True, help="Time a model against itself, and made 3 % slower.")
@click.option("--cases", type=click.IntRange(min=1), default=200, help="Of a model against itself.")
@click.option("--model", default="resnet18", help="Which one.")
@click.option("--backend", default="eager_cpu", help="Where.")
@plugin_option
def doctor(
    *,
    runs: tuple[Path, ...],
    mend: bool,
    clock: bool,
    cases: int,
    model: str,
    backend: str,
    plugin: str,
) -> None:
    """Show what this machine tells of itself and what it cannot use; with --clock, test the clock.

    Of RUNs, read all rows, artifacts and samples, and name what is not what was written; exit code 1
    where anything is. With --mend it is set aside, and the run's own command makes it again.

    A plugin cannot be used where a library is missing, or is there in a version that another does not
    work with: both are named, with the command that brings versions that fit.

    The clock passes where the same model seems to save time in at most 5 % of the cases; where a model
    made 3 % slower is found slower in at least 95 %, by as much within one percentage point; and where
    two runs of one grid rank alike what their intervals tell apart (Kendall's tau of at least 0.95).
    That takes half an hour on a quiet machine, up to two where its neighbours are busy. Exit code 1
    where it does not pass.
    """
    if mend and not runs:
        raise HarnessError("--mend: name the runs to mend, as `harness doctor results/mine --mend`")
    if runs:
        sound = [_is_sound(RunFolder(run), mend=mend) for run in runs]
        sys.exit(0 if all(sound) else 1)
    catalogue = discover(plugin)
    _show_machine(catalogue)
    if clock and not _clock_is_sound(catalogue, cases, model, backend):
        sys.exit(1)


def _is_sound(run: RunFolder, *, mend: bool) -> bool:
    """Whether a run is what was written, or was made so; says what is not."""
    from harness.trials.snapshot import read_facts

    of_rows, archives = run.damages, [*(run.path / SAMPLES).glob("*.npz")]
    of_files = [*artifact_damages(run.store, read_facts), *sample_damages(run.path / SAMPLES)]
    _show_damages(run.path, "rows", len(run.sound_rows) + len(of_rows), of_rows)
    count = len(run.store.paths()) + len(archives)
    _show_damages(run.path, "files behind them", count, [damage.reason for damage in of_files])
    if mend and (of_rows or of_files):
        with Ledger(run.path).lock():
            Ledger(run.path).set_aside_damaged()
            for damage in of_files:
                run.store.set_aside(damage.path, damage.reason)
        again = f"harness run --config {run.path / OPTIONS} --out {run.path}"
        click.echo(f"Set aside, in {run.store.root / DAMAGED} and {DAMAGED_ROWS}: `{again}` goes on.")
    return mend or not (of_rows or of_files)


def _show_damages(folder: Path, what: str, count: int, reasons: Sequence[str]) -> None:
    click.echo(f"{folder}: {count} {what}, {len(reasons) or 'none'} damaged")
    for reason in reasons:
        click.echo(f"  {reason}")


def _show_machine(catalogue: Catalogue) -> None:
    from harness.machine.environment import cpu_name, machine_facts
    from harness.machine.load import LoadMonitor
    from harness.machine.system_limits import system_limits

    load_monitor = LoadMonitor()
    time.sleep(WATCHED_SECONDS)
    facts = {"processor": cpu_name(), **machine_facts(), **vars(load_monitor.load())}
    for name, value in facts.items():
        click.echo(f"{name:16} {'the system does not tell' if value in (None, '') else value}")
    for sentence in system_limits():
        click.echo(f"on {facts['platform']}: {sentence}")
    for name, distribution, reason in catalogue.missing():
        click.echo(f"{name} ({distribution}) cannot be used: {reason}")


def _clock_is_sound(catalogue: Catalogue, cases: int, model: str, backend: str) -> bool:
    from harness.comparisons.copy_timing import time_copies
    from harness.console.progress import ConsoleProgress
    from harness.measuring.clock_check import CASES, clock_check

    [chosen, *_] = catalogue.choose("backend", backend)
    reason = why_unavailable(chosen)
    if reason is not None:
        raise HarnessError(f"backend {chosen.name!r} is not available here: {reason}")
    [architecture, *_] = catalogue.choose_models(model)
    sessions = time_copies(
        chosen,
        architecture,
        count=-(-cases // CASES),
        injected=INJECTED_FRACTION,
        progress=ConsoleProgress,
    )
    check = clock_check([one.results for one in sessions], [one.extra_ms for one in sessions])
    _show_check(check)
    agreeing = _rank_alike(catalogue, model, backend)
    near = sum(abs(error) <= NEAR_FRACTION for error in check.errors)
    return (
        check.false_savings <= 0.05 * len(check.same)
        and check.judged_slower >= 0.95 * len(check.injected)
        and near >= 0.95 * len(check.injected)
        and agreeing
    )


def _show_check(check: ClockCheck) -> None:
    import numpy as np

    width = np.median([(estimate.high - estimate.low) / 2 for estimate in check.same])
    errors = np.array(check.errors)
    near = int((np.abs(errors) <= NEAR_FRACTION).sum())
    click.echo(
        f"\n{len(check.processes)} sessions of "
        f"{min(check.processes)} to {max(check.processes)} processes."
    )
    click.echo(
        f"Same model: {check.false_savings} of {len(check.same)} cases seem to save time "
        f"(half-width of the interval: {width:.1%} in the median)."
    )
    far = max(max(abs(twin.low), abs(twin.high)) for twin in check.twins)
    click.echo(
        f"Other weights, of every second model mostly zeros: {check.differing_twins} of "
        f"{len(check.twins)} models of the same architecture surely differ, by {far:.1%} at most."
    )
    click.echo(
        f"{INJECTED_FRACTION:.0%} slower: {check.judged_slower} of {len(check.injected)} cases "
        "are found slower, "
        f"off by {errors.mean():+.2%} on average, {near} within one point."
    )
    for what, moves in (("one process", check.process_moves), ("a session", check.session_moves)):
        off = np.abs(moves)
        click.echo(
            f"Ratio of a copy's latency to dense latency in {what}: off by {np.median(off):.1%} in the "
            f"median, {np.quantile(off, 0.95):.1%} at the 95th percentile."
        )


def _rank_alike(catalogue: Catalogue, model: str, backend: str) -> bool:
    """Whether two runs of one grid rank alike the methods that their intervals tell apart."""
    from harness.comparisons.repetition import latency_moves, repeated_runs
    from harness.console.agreement import agreement_sentences
    from harness.console.progress import ConsoleProgress
    from harness.ranking.agreement import rank_agreement

    with tempfile.TemporaryDirectory() as folder:
        first, second = repeated_runs(
            catalogue, Path(folder), model=model, backend=backend, progress=ConsoleProgress
        )
    agreement, moves = rank_agreement(first, second), latency_moves(first, second)
    click.echo(
        "Two runs of one grid: the ratios to dense latency move by "
        f"{statistics.median(moves):.1%} in the median, by {max(moves):.1%} at most."
    )
    for sentence in agreement_sentences(agreement):
        click.echo(sentence)
    return agreement.swapped <= MAX_SWAPPED_FRACTION * agreement.apart
