"""Timing a base's kept models again, beside the newer ones, in the same processes and rounds.

Latencies of two sessions differ by several per cent for unchanged code. So what decides whether
something became slower is a session that holds both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.engines.local import LocalEngine
from harness.machine.device import device_slot, local_device
from harness.measuring.row_columns import timed_columns
from harness.measuring.timing_process import COPY, DENSE, TimingJob
from harness.measuring.timing_results import TimingResults
from harness.measuring.timing_scheduler import TimingScheduler
from harness.ranking.verdicts import Loss, verdict
from harness.runs.comparison import RemeasuredPair
from harness.runs.preloads import preloads_of
from harness.runs.request import chosen_dataset
from harness.storage.keys import level_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.discovery.backend_file import BackendFile
    from harness.discovery.catalogue import Catalogue
    from harness.engines.observer import Observer
    from harness.machine.clock import Limits
    from harness.machine.device import DeviceSlot
    from harness.measuring.stopping import StoppingRule, StopReason
    from harness.measuring.timing_process import ProcessTiming
    from harness.ranking.pairs import Pair
    from harness.storage.run_folder import RunFolder

    Row = Mapping[str, Any]

MAX_PAIRS = 16
TIME_LIMIT = 600.0
NEW_DENSE = "new dense"
SESSION_COLUMNS = (
    "model",
    "dataset",
    "seed",
    "backend",
    "threads",
    "recipe",
    "dense_epochs",
    "dense_lr",
)


@dataclass(frozen=True, kw_only=True)
class Remeasurement:
    """Pairs of one dense model on one backend that take turns in the same processes."""

    pairs: tuple[Pair, ...]
    job: TimingJob

    @property
    def slot(self) -> DeviceSlot:
        """Where it is timed, alone."""
        return device_slot(self.job.backend, local_device(self.job.backend), exclusive=True)

    @property
    def label(self) -> str:
        """What a person is shown."""
        batches = ", ".join(map(str, self.job.batches))
        return f"{self.job.model.name} on {self.job.backend.name}, batch {batches}: base and new"

    def exclusive(self) -> list[Remeasurement]:
        """One for each pair: what is left to try where a process came to no end."""
        return [_only(self, pair) for pair in self.pairs]

    def losses(self, results: TimingResults) -> Iterator[tuple[Pair, tuple[Row, Row], Loss | None]]:
        """How much slower each newer model is; None where one of the two could not be timed."""
        for pair in self.pairs:
            if pair.both:
                base, new = pair.both
                batch, labels = base["batch"], _labels(base)
                failed = any(results.failure(batch, label) for label in (DENSE, *labels))
                yield pair, (base, new), None if failed else _loss(results, batch, *labels)

    def remeasured(self, results: TimingResults) -> Iterator[RemeasuredPair]:
        """The pairs that could be timed, with the new times of both their rows."""
        for _, (base, new), loss in self.losses(results):
            if loss is not None and not results.failure(base["batch"], NEW_DENSE):
                ours, theirs = _labels(base)
                yield RemeasuredPair(
                    loss=loss,
                    base=_timed_again(base, results, ours, dense=DENSE),
                    new=_timed_again(new, results, theirs, dense=NEW_DENSE),
                )


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What is timed against what; `base_backends` is the base's own code of backends, by name.

    A base's model runs on the installed backend where its own code is not given.
    """

    base: RunFolder
    new: RunFolder
    base_backends: Mapping[str, BackendFile]
    catalogue: Catalogue
    limits: Limits

    def sessions(self, found: Sequence[Pair]) -> list[Remeasurement]:
        """For all pairs whose models both folders keep."""
        groups: dict[tuple[Any, ...], list[Pair]] = defaultdict(list)
        for pair in found:
            # What a simulator says is the same at every call.
            timed = pair.both and pair.both[0]["rounds"] is not None
            if pair.both and timed and self._kept(pair.both):
                groups[tuple(pair.both[0][name] for name in SESSION_COLUMNS)].append(pair)
        return [
            self._session(group[first : first + MAX_PAIRS])
            for group in groups.values()
            for first in range(0, len(group), MAX_PAIRS)
        ]

    def _kept(self, rows: tuple[Row, Row]) -> bool:
        sides = zip((self.base, self.new), rows, strict=True)
        return all(side.snapshot(row) and side.dense(row) for side, row in sides)

    def _session(self, ready: Sequence[Pair]) -> Remeasurement:
        rows = [pair.both for pair in ready if pair.both]
        ours, theirs = rows[0]
        snapshots = {DENSE: self.base.dense(ours), NEW_DENSE: self.new.dense(theirs)}
        for old, new in rows:
            label, other = _labels(old)
            snapshots |= {label: self.base.snapshot(old), other: self.new.snapshot(new)}
        folders = {label: folder for label, folder in snapshots.items() if folder is not None}
        before = self.base_backends.get(ours["backend"])
        older = [DENSE, COPY, *(_labels(old)[0] for old, _ in rows)] if before else []
        [backend] = self.catalogue.choose("backend", ours["backend"])
        [model] = self.catalogue.choose_models(ours["model"])
        job = TimingJob(
            backend=backend,
            model=model,
            dataset=chosen_dataset(self.catalogue, ours["dataset"]),
            store=self.new.store,
            snapshots=folders,
            batches=tuple(sorted({old["batch"] for old, _ in rows})),
            threads=ours["threads"],
            limits=self.limits,
            seed=0,
            others=dict.fromkeys(older, before) if before else {},
        )
        return Remeasurement(pairs=tuple(ready), job=job)


def _only(whole: Remeasurement, pair: Pair) -> Remeasurement:
    labels = {DENSE, NEW_DENSE, *(_labels(pair.both[0]) if pair.both else ())}
    snapshots = {name: folder for name, folder in whole.job.snapshots.items() if name in labels}
    return Remeasurement(pairs=(pair,), job=replace(whole.job, snapshots=snapshots))


def _labels(base: Row) -> tuple[str, str]:
    """What the two models of a pair are called in a session, whatever the batch size."""
    slot = level_key(base["trial"], base["sparsity"])
    return f"base {slot}", f"new {slot}"


def _loss(results: TimingResults, batch: int, ours: str, theirs: str) -> Loss:
    """By how much of the base's latency the newer one is slower, paired by process and round."""
    found, own = results.saving(batch, theirs, dense=ours), results.latency(batch, ours).value
    return Loss(value=-found.value / own, low=-found.high / own, high=-found.low / own)


def _timed_again(row: Row, results: TimingResults, label: str, *, dense: str) -> Row:
    columns = timed_columns(results, label, batch=row["batch"], dense=dense)
    kept = row["retained"] / columns["ms_saved"] if columns["saves_time"] and row["retained"] else None
    return {**row, **columns, "steady": results.steady, "retained_per_ms_saved": kept}


def decision_reason(
    timings: Sequence[ProcessTiming],
    session: Remeasurement,
    *,
    seconds: float,
    stopping_rule: StoppingRule,
    tolerance: float,
) -> StopReason | None:
    """What ends a session: no pair is ambiguous any more, its time is over, or it has had enough."""
    if len(timings) < stopping_rule.least:
        return None
    results = TimingResults(timings=tuple(timings))
    losses = [loss for _, _, loss in session.losses(results)]
    if all(verdict(loss, tolerance) != "ambiguous" for loss in losses):
        return "precise"
    if seconds >= stopping_rule.seconds:
        return "time"
    return "processes" if len(timings) >= stopping_rule.most else None


def remeasure(
    sessions: Sequence[Remeasurement],
    *,
    log: Path,
    stopping_rule: StoppingRule,
    tolerance: float,
    observer: Observer,
) -> dict[str, RemeasuredPair]:
    """Time every session, each alone on its device: what was found, by the key of the base's row."""
    engine = LocalEngine(
        workers=1, time_limit=TIME_LIMIT, log=log, preloads=preloads_of(), note=observer.note
    )
    found: dict[str, RemeasuredPair] = {}
    observer.phase("timing", sum(len(session.pairs) for session in sessions))
    for session in sessions:
        stop_check = partial(
            decision_reason, session=session, stopping_rule=stopping_rule, tolerance=tolerance
        )
        scheduler = TimingScheduler(engine, stop_check=stop_check, observer=observer)
        for part, results in scheduler.measure(session):
            if isinstance(results, str):
                observer.note(f"{part.label}: {results}")
            else:
                found |= {again.base["key"]: again for again in part.remeasured(results)}
        observer.done(session.label, len(session.pairs))
    return found
