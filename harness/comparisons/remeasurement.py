"""Timing a base's kept models again, beside the newer ones, in the same processes and rounds.

Latencies of two sessions differ by several per cent for unchanged code. So what decides whether
something became slower is a session that holds both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.comparisons.comparison import RemeasuredPair
from harness.comparisons.verdicts import Loss, verdict
from harness.engines.local import LocalEngine
from harness.errors import HarnessError
from harness.machine.local_devices import local_device
from harness.measuring.row_columns import timed_columns
from harness.measuring.timing_process import TimingJob
from harness.measuring.timing_results import COPY, DENSE, TimingResults
from harness.measuring.timing_scheduler import TimingScheduler
from harness.measuring.timing_session import TimingItem, TimingSession
from harness.runs.preloads import preloads_of
from harness.runs.request import chosen_dataset
from harness.storage.keys import level_key
from harness.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.contracts.data import Model
    from harness.discovery.backend_file import BackendFile
    from harness.discovery.catalogue import Catalogue
    from harness.engines.observer import Observer, ObserverFactory
    from harness.measuring.stopping import Convergence, StoppingRule
    from harness.measuring.timing_results import ProcessTiming
    from harness.ranking.pairs import Pair
    from harness.storage.run_folder import RunFolder

    Row = Mapping[str, Any]
    RowPair = tuple[Row, Row]

MAX_PAIRS = 16
"""Of a session: two models each."""
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
    """Kept models of two runs timed again, until it is certain which of them are slower.

    Latencies may be larger by `tolerance`, a fraction of the base's. `base_backends` is the base's own
    code of backends, by name: a base's model runs on the installed one where its own is not given.
    """

    base: RunFolder
    new: RunFolder
    catalogue: Catalogue
    base_backends: Mapping[str, BackendFile]
    stopping_rule: StoppingRule
    tolerance: float

    def measure(self, pairs: Sequence[Pair], progress: ObserverFactory) -> dict[str, RemeasuredPair]:
        """The pairs that could be timed, by the key of the base's row.

        `progress` makes the observer from how many pairs there are. Raises HarnessError where neither
        run keeps models that pair up.
        """
        sessions = self.sessions(pairs)
        if not sessions:
            raise HarnessError(
                f"--remeasure needs the models of both runs, and {self.base.path} and {self.new.path} "
                "keep none that pair up (a run keeps them in artifacts/)"
            )
        count = sum(len(session.items) for session in sessions)
        with Ledger(self.new.path).lock(), progress(count) as observer:
            observer.phase("timing", count)
            scheduler = self._scheduler(sessions, observer)
            return {
                pair.base["key"]: pair
                for session in sessions
                for pair in measure_pairs(session, scheduler)
            }

    def sessions(self, pairs: Sequence[Pair]) -> list[TimingSession[RowPair]]:
        """For all pairs whose models both folders keep."""
        groups: dict[tuple[Any, ...], list[RowPair]] = defaultdict(list)
        for pair in pairs:
            # What a simulator says is the same at every call.
            timed = pair.both and pair.both[0]["rounds"] is not None
            if pair.both and timed and self._is_kept(pair.both):
                groups[tuple(pair.both[0][name] for name in SESSION_COLUMNS)].append(pair.both)
        return [
            self._session(group[first : first + MAX_PAIRS])
            for group in groups.values()
            for first in range(0, len(group), MAX_PAIRS)
        ]

    def _is_kept(self, rows: RowPair) -> bool:
        folders = zip((self.base, self.new), rows, strict=True)
        return all(folder.snapshot(row) and folder.dense(row) for folder, row in folders)

    def _session(self, rows: Sequence[RowPair]) -> TimingSession[RowPair]:
        base, _ = rows[0]
        older = self.base_backends.get(base["backend"])
        older_labels = [DENSE, COPY, *(_labels(old)[0] for old, _ in rows)] if older else []
        batches = tuple(sorted({old["batch"] for old, _ in rows}))
        [backend] = self.catalogue.choose("backend", base["backend"])
        [model] = self.catalogue.choose_models(base["model"])
        job = TimingJob(
            backend=backend,
            model=model,
            dataset=chosen_dataset(self.catalogue, base["dataset"]),
            store=self.new.store,
            snapshots=self._snapshots(rows),
            models=self._rivals(rows),
            batches=batches,
            threads=base["threads"],
            limits=self.stopping_rule.limits,
            seed=0,
            others=dict.fromkeys(older_labels, older) if older else {},
        )
        items = [
            TimingItem(origin=pair, labels=_labels(pair[0]), batches=batches, group=pair[0]["key"])
            for pair in rows
        ]
        return TimingSession(items=tuple(items), job=job, device=local_device(backend), title=_title)

    def _rivals(self, rows: Sequence[RowPair]) -> dict[str, Model]:
        """Models by label, of those that are smaller networks than the session's."""
        return {
            label: model
            for base, _ in rows
            if base["rival"]
            for model in self.catalogue.choose_models(base["rival"])
            for label in _labels(base)
        }

    def _snapshots(self, rows: Sequence[RowPair]) -> dict[str, Path]:
        """Folders by label, both dense models first."""
        base, new = rows[0]
        snapshots = {DENSE: self.base.dense(base), NEW_DENSE: self.new.dense(new)}
        for base, new in rows:
            ours, theirs = _labels(base)
            snapshots |= {ours: self.base.snapshot(base), theirs: self.new.snapshot(new)}
        return {label: folder for label, folder in snapshots.items() if folder is not None}

    def _scheduler(
        self, sessions: Sequence[TimingSession[RowPair]], observer: Observer
    ) -> TimingScheduler[RowPair]:
        engine = LocalEngine(
            workers=1,
            time_limit=TIME_LIMIT,
            log=self.new.path / "log.txt",
            preloads=preloads_of(*(session.job.dataset for session in sessions)),
            note=observer.note,
        )
        return TimingScheduler(
            engine=engine,
            stopping_rule=self.stopping_rule,
            observer=observer,
            convergence=partial(verdict_convergence, tolerance=self.tolerance),
        )


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
) -> Iterator[tuple[RowPair, Loss | None]]:
    """How much slower each newer model is; None where one of the two could not be timed."""
    for base, new in session.origins:
        batch, labels = base["batch"], _labels(base)
        failed = any(results.failure(batch, label) for label in (DENSE, *labels))
        yield (base, new), None if failed else _loss(results, batch, *labels)


def _remeasured_pairs(
    session: TimingSession[RowPair], results: TimingResults
) -> Iterator[RemeasuredPair]:
    """The pairs that could be timed, with the new times of both their rows."""
    for (base, new), loss in _losses(session, results):
        if loss is not None and not results.failure(base["batch"], NEW_DENSE):
            ours, theirs = _labels(base)
            yield RemeasuredPair(
                loss=loss,
                base=_timed_again(base, results, ours, dense=DENSE),
                new=_timed_again(new, results, theirs, dense=NEW_DENSE),
            )


def _title(job: TimingJob) -> str:
    batches = ", ".join(map(str, job.batches))
    return f"{job.model.name} on {job.backend.name}, batch {batches}: base and new"


def _labels(base: Row) -> tuple[str, str]:
    """What the two models of a pair are called in a session, whatever the batch size."""
    key = level_key(base["trial"], base["sparsity"])
    return f"base {key}", f"new {key}"


def _loss(results: TimingResults, batch: int, ours: str, theirs: str) -> Loss:
    """By how much of the base's latency the newer one is slower, paired by process and round."""
    saved, own = results.saving(batch, theirs, dense=ours), results.latency(batch, ours).value
    return Loss(value=-saved.value / own, low=-saved.high / own, high=-saved.low / own)


def _timed_again(row: Row, results: TimingResults, label: str, *, dense: str) -> Row:
    columns = timed_columns(results, label, batch=row["batch"], dense=dense)
    kept = row["retained"] / columns["ms_saved"] if columns["saves_time"] and row["retained"] else None
    return {**row, **columns, "steady": results.steady, "retained_per_ms_saved": kept}
