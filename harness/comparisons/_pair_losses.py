"""Pair losses: how much slower the newer model of each pair is, by a session that timed both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.comparisons.comparison import RemeasuredPair
from harness.comparisons.verdicts import Loss, verdict
from harness.measuring.row_columns import timed_columns
from harness.measuring.timing_results import DENSE, TimingResults
from harness.storage.keys import level_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.measuring.stopping import Convergence
    from harness.measuring.timing_results import ProcessTiming
    from harness.measuring.timing_scheduler import TimingScheduler
    from harness.measuring.timing_session import TimingItem, TimingSession

    Row = Mapping[str, Any]
    RowPair = tuple[Row, Row]

NEW_DENSE = "new dense"


def pair_labels(base: Row) -> tuple[str, str]:
    """What the two models of a pair are called in a session, whatever the batch size."""
    key = level_key(base["trial"], base["sparsity"])
    return f"base {key}", f"new {key}"


def measure_pairs(
    session: TimingSession[RowPair], scheduler: TimingScheduler[RowPair]
) -> Iterator[RemeasuredPair]:
    """The pairs of a session that could be timed; why others could not is a note."""
    observer = scheduler.observer
    for smaller, outcome in scheduler.measure(session):
        if outcome.value is None:
            observer.note(f"{smaller.label}: {outcome.failure}")
        else:
            yield from _remeasured_pairs(smaller, outcome.value)
    observer.done(session.label, len(session.items))


def verdict_convergence(
    session: TimingSession[RowPair], timings: Sequence[ProcessTiming], *, tolerance: float
) -> Convergence | None:
    """Whether no pair of the session is ambiguous any more."""
    results = TimingResults(timings=tuple(timings))
    verdicts = (verdict(loss, tolerance) for _, loss in _losses(session, results))
    return "precise" if all(one != "ambiguous" for one in verdicts) else None


def _losses(
    session: TimingSession[RowPair], results: TimingResults
) -> Iterator[tuple[TimingItem[RowPair], Loss | None]]:
    """How much slower each newer model is; None where one of the two could not be timed."""
    for item in session.items:
        batch = item.origin[0]["batch"]
        failed = any(results.failure(batch, label) for label in (DENSE, *item.labels))
        yield item, None if failed else _loss(results, batch, *item.labels)


def _remeasured_pairs(
    session: TimingSession[RowPair], results: TimingResults
) -> Iterator[RemeasuredPair]:
    """The pairs that could be timed, with the new times of both their rows."""
    for item, loss in _losses(session, results):
        base, new = item.origin
        if loss is not None and not results.failure(base["batch"], NEW_DENSE):
            ours, theirs = item.labels
            yield RemeasuredPair(
                loss=loss,
                base=_timed_again(base, results, ours, dense=DENSE),
                new=_timed_again(new, results, theirs, dense=NEW_DENSE),
            )


def _loss(results: TimingResults, batch: int, ours: str, theirs: str) -> Loss:
    """By how much of the base's latency the newer one is slower, paired by process and round."""
    saved, own = results.saving(batch, theirs, dense=ours), results.latency(batch, ours).value
    return Loss(value=-saved.value / own, low=-saved.high / own, high=-saved.low / own)


def _timed_again(row: Row, results: TimingResults, label: str, *, dense: str) -> Row:
    columns = timed_columns(results, label, batch=row["batch"], dense=dense)
    kept = row["retained"] / columns["ms_saved"] if columns["saves_time"] and row["retained"] else None
    return {**row, **columns, "steady": results.steady, "retained_per_ms_saved": kept}
