"""Timing a base's kept models again, beside the newer ones, in the same processes and rounds.

Latencies of two sessions differ by several per cent for unchanged code. So what decides whether
something became slower is a session that holds both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.engines.engine import place_of
from harness.engines.local import LocalEngine
from harness.machine.device import local_device
from harness.measuring.row_columns import timed_columns
from harness.measuring.timing_process import COPY, DENSE, TimingJob
from harness.measuring.timing_results import Measured
from harness.measuring.timing_scheduler import Timer
from harness.ranking.verdicts import Loss, verdict
from harness.runs.comparison import Remeasured
from harness.runs.preloads import preloads_of
from harness.runs.request import chosen_dataset
from harness.storage.keys import level_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.discovery.backend_file import BackendFile
    from harness.discovery.catalogue import Catalogue
    from harness.engines.engine import Place
    from harness.engines.observer import Observer
    from harness.machine.clock import Limits
    from harness.measuring.stopping import Patience, Stop
    from harness.measuring.timing_process import Timing
    from harness.ranking.pairs import Pair
    from harness.storage.run_folder import RunFolder

    Row = Mapping[str, Any]

MOST_PAIRS = 16
TIME_LIMIT = 600.0
NEW_DENSE = "new dense"
SESSION = ("model", "dataset", "seed", "backend", "threads", "recipe", "dense_epochs", "dense_lr")


@dataclass(frozen=True, kw_only=True)
class Remeasurement:
    """Pairs of one dense model on one backend that take turns in the same processes."""

    pairs: tuple[Pair, ...]
    job: TimingJob

    @property
    def place(self) -> Place:
        """Where it is timed, alone."""
        return place_of(self.job.backend, local_device(self.job.backend), alone=True)

    @property
    def label(self) -> str:
        """What a person is shown."""
        batches = ", ".join(map(str, self.job.batches))
        return f"{self.job.model.name} on {self.job.backend.name}, batch {batches}: base and new"

    def alone(self) -> list[Remeasurement]:
        """One for each pair: what is left to try where a process came to no end."""
        return [_only(self, pair) for pair in self.pairs]

    def losses(self, measured: Measured) -> Iterator[tuple[Pair, tuple[Row, Row], Loss | None]]:
        """How much slower each newer model is; None where one of the two could not be timed."""
        for pair in self.pairs:
            if pair.both:
                base, new = pair.both
                batch, labels = base["batch"], _labels(base)
                failed = any(measured.failure(batch, label) for label in (DENSE, *labels))
                yield pair, (base, new), None if failed else _loss(measured, batch, *labels)

    def remeasured(self, measured: Measured) -> Iterator[Remeasured]:
        """The pairs that could be timed, with the new times of both their rows."""
        for _, (base, new), loss in self.losses(measured):
            if loss is not None and not measured.failure(base["batch"], NEW_DENSE):
                ours, theirs = _labels(base)
                yield Remeasured(
                    loss=loss,
                    base=_timed_again(base, measured, ours, dense=DENSE),
                    new=_timed_again(new, measured, theirs, dense=NEW_DENSE),
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
                groups[tuple(pair.both[0][name] for name in SESSION)].append(pair)
        return [
            self._session(group[first : first + MOST_PAIRS])
            for group in groups.values()
            for first in range(0, len(group), MOST_PAIRS)
        ]

    def _kept(self, rows: tuple[Row, Row]) -> bool:
        sides = zip((self.base, self.new), rows, strict=True)
        return all(side.snapshot(row) and side.dense(row) for side, row in sides)

    def _session(self, members: Sequence[Pair]) -> Remeasurement:
        rows = [pair.both for pair in members if pair.both]
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
        return Remeasurement(pairs=tuple(members), job=job)


def _only(whole: Remeasurement, pair: Pair) -> Remeasurement:
    labels = {DENSE, NEW_DENSE, *(_labels(pair.both[0]) if pair.both else ())}
    snapshots = {name: folder for name, folder in whole.job.snapshots.items() if name in labels}
    return Remeasurement(pairs=(pair,), job=replace(whole.job, snapshots=snapshots))


def _labels(base: Row) -> tuple[str, str]:
    """What the two models of a pair are called in a session, whatever the batch size."""
    place = level_key(base["trial"], base["sparsity"])
    return f"base {place}", f"new {place}"


def _loss(measured: Measured, batch: int, ours: str, theirs: str) -> Loss:
    """By how much of the base's latency the newer one is slower, paired by process and round."""
    found, own = measured.saving(batch, theirs, dense=ours), measured.latency(batch, ours).value
    return Loss(value=-found.value / own, low=-found.high / own, high=-found.low / own)


def _timed_again(row: Row, measured: Measured, label: str, *, dense: str) -> Row:
    columns = timed_columns(measured, label, batch=row["batch"], dense=dense)
    kept = row["retained"] / columns["ms_saved"] if columns["saves_time"] and row["retained"] else None
    return {**row, **columns, "steady": measured.steady, "retained_per_ms_saved": kept}


def why_decided(
    timings: Sequence[Timing],
    session: Remeasurement,
    *,
    seconds: float,
    patience: Patience,
    tolerance: float,
) -> Stop | None:
    """What ends a session: no pair is ambiguous any more, its time is over, or it has had enough."""
    if len(timings) < patience.least:
        return None
    measured = Measured(timings=tuple(timings))
    losses = [loss for _, _, loss in session.losses(measured)]
    if all(verdict(loss, tolerance) != "ambiguous" for loss in losses):
        return "precise"
    if seconds >= patience.seconds:
        return "time"
    return "processes" if len(timings) >= patience.most else None


def remeasure(
    sessions: Sequence[Remeasurement],
    *,
    log: Path,
    patience: Patience,
    tolerance: float,
    observer: Observer,
) -> dict[str, Remeasured]:
    """Time every session, each alone on its device: what was found, by the key of the base's row."""
    engine = LocalEngine(
        workers=1, time_limit=TIME_LIMIT, log=log, preloads=preloads_of(), note=observer.note
    )
    found: dict[str, Remeasured] = {}
    observer.phase("timing", sum(len(session.pairs) for session in sessions))
    for session in sessions:
        enough = partial(why_decided, session=session, patience=patience, tolerance=tolerance)
        timer = Timer(engine, enough=enough, observer=observer)
        for part, measured in timer.measure(session):
            if isinstance(measured, str):
                observer.note(f"{part.label}: {measured}")
            else:
                found |= {again.base["key"]: again for again in part.remeasured(measured)}
        observer.done(session.label, len(session.pairs))
    return found
