"""`harness doctor`: is this machine, and this clock, fit to be trusted?"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.discovery import discover
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.catalogue import Catalogue
    from harness.experiments import Proof

PROCESSES = 3
CASES_A_GROUP = 8
INJECTED = 0.03
SECONDS = 3.0
WATCHED_SECONDS = 1.0


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--clock", is_flag=True, help="Time a model against itself, and made 3 % slower.")
@click.option("--cases", type=click.IntRange(min=1), default=200, help="Of a model against itself.")
@click.option("--model", default="resnet18", help="Which one.")
@click.option("--backend", default="eager_cpu", help="Where.")
def doctor(*, clock: bool, cases: int, model: str, backend: str) -> None:
    """Show what this machine tells of itself and which plugins are ill; with --clock, test the clock.

    The clock passes where the same model seems to save time in at most 5 % of the cases, and where a
    model made 3 % slower, in the same place of memory, is found slower in at least 95 %, by 3 % within
    one percentage point. Exit code 1 where it does not.
    """
    catalogue = discover()
    _show_machine(catalogue)
    if clock and not _clock_is_sound(catalogue, cases, model, backend):
        sys.exit(1)


def _show_machine(catalogue: Catalogue) -> None:
    from harness.conditions import Watch
    from harness.environment import cpu_name, machine_facts

    watch = Watch()
    time.sleep(WATCHED_SECONDS)
    facts = {"processor": cpu_name(), **machine_facts(), **vars(watch.conditions())}
    for name, value in facts.items():
        click.echo(f"{name:16} {'the system does not tell' if value in (None, '') else value}")
    for broken in catalogue.broken:
        click.echo(f"plugin {broken.name} ({broken.distribution}) is broken: {broken.reason}")


def _clock_is_sound(catalogue: Catalogue, cases: int, model: str, backend: str) -> bool:
    from harness.experiments import proof_of

    groups = -(-cases // CASES_A_GROUP)
    processes = _timed(catalogue, model, backend, count=groups * PROCESSES)
    found = proof_of(processes, size=PROCESSES)
    _show_proof(found)
    near = sum(abs(estimate - INJECTED) <= 0.01 for estimate in found.estimates)
    return (
        found.false_savings <= 0.05 * len(found.same)
        and found.found_slower >= 0.95 * len(found.injected)
        and near >= 0.95 * len(found.injected)
    )


def _timed(
    catalogue: Catalogue, model: str, backend: str, *, count: int
) -> list[dict[str, list[float]]]:
    from harness.catalogue import why_unavailable
    from harness.engines.local import LocalEngine
    from harness.experiments import ClockJob, time_copies
    from harness.lane import exclusive
    from harness.stopwatch import Limits

    [chosen, *_] = catalogue.choose("backend", backend)
    reason = why_unavailable(chosen)
    if reason is not None:
        raise HarnessError(f"backend {chosen.name!r} is not available here: {reason}")
    [architecture, *_] = catalogue.choose_models(model)
    jobs = {
        f"process {n + 1} of {count}": ClockJob(
            backend=chosen,
            model=architecture,
            injected=INJECTED,
            limits=Limits(seconds=SECONDS),
            seed=n,
        )
        for n in range(count)
    }
    with tempfile.TemporaryDirectory() as folder:
        engine = LocalEngine(workers=1, time_limit=600, log=Path(folder) / "log.txt")
        with (
            exclusive(chosen.describe()["device"], waiting=lambda text: click.echo(text, err=True)),
            click.progressbar(length=count, label="timing", file=sys.stderr) as bar,
        ):
            found = []
            for label, outcome in engine.run(time_copies, jobs, watching=lambda _: None):
                if outcome.value is None:
                    raise HarnessError(f"{label}: {outcome.failure}")
                found.append(outcome.value)
                bar.update(1)
    return found


def _show_proof(found: Proof) -> None:
    import numpy as np

    off = np.abs(np.array(found.estimates) - INJECTED)
    width = np.median([(estimate.high - estimate.low) / 2 / own for own, estimate in found.same])
    moves = np.abs(found.moves)
    click.echo(
        f"\nSame model: {found.false_savings} of {len(found.same)} cases seem to save time "
        f"(half-width of the interval: {width:.1%} in the median)."
    )
    click.echo(
        f"{INJECTED:.0%} slower: {found.found_slower} of {len(found.injected)} cases are found slower, "
        f"{np.mean(found.estimates):.2%} on average, {int((off <= 0.01).sum())} within one point."
    )
    click.echo(
        f"Placement: a copy's time is off the mean of its process's copies by {np.median(moves):.1%} "
        f"in the median and {np.quantile(moves, 0.95):.1%} at the 95th percentile."
    )
