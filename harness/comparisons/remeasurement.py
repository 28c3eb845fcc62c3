"""Timing a base's kept models again, beside the newer ones, in the same processes and rounds.

Latencies of two sessions differ by several per cent for unchanged code. So what decides whether
something became slower is a session that holds both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.comparisons._pair_losses import (
    NEW_DENSE,
    measure_pairs,
    pair_labels,
    verdict_convergence,
)
from harness.contracts.backends import shares_time
from harness.engines.local import LocalEngine
from harness.errors import HarnessError
from harness.machine.local_devices import local_device
from harness.measuring.timing_process import TimingJob
from harness.measuring.timing_results import COPY, DENSE
from harness.measuring.timing_scheduler import TimingScheduler
from harness.measuring.timing_session import TimingItem, TimingSession
from harness.planning.row_dataset import row_dataset
from harness.runs.preloads import preloads_of
from harness.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.comparisons.comparison import RemeasuredPair
    from harness.contracts.data import Model
    from harness.discovery.backend_file import BackendFile
    from harness.discovery.catalogue import Catalogue
    from harness.engines.observer import Observer, ObserverFactory
    from harness.measuring.stopping import StoppingRule
    from harness.ranking.pairs import Pair
    from harness.storage.run_folder import RunFolder

    Row = Mapping[str, Any]
    RowPair = tuple[Row, Row]

MAX_PAIRS = 16
"""Of a session, that are timed: two models each."""
TIME_LIMIT = 600.0
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
        groups: dict[tuple[Any, ...], dict[Any, list[RowPair]]] = defaultdict(dict)
        for pair in pairs:
            # What a simulator says is the same at every call.
            timed = pair.both and pair.both[0]["rounds"] is not None
            if pair.both and timed and self._is_kept(pair.both):
                session = tuple(pair.both[0][name] for name in SESSION_COLUMNS)
                groups[session].setdefault(self._alike(pair.both), []).append(pair.both)
        return [
            self._session([*group.values()][first : first + MAX_PAIRS])
            for group in groups.values()
            for first in range(0, len(group), MAX_PAIRS)
        ]

    def _alike(self, rows: RowPair) -> tuple[str, ...]:
        """What pairs have in common that share their times, as they did in both runs; or the level.

        The base's own code may have had a time for every model where the installed one has not.
        """
        base, new = rows
        [backend] = self.catalogue.choose("backend", base["backend"])
        if shares_time(backend) and base["architecture"] and new["architecture"]:
            return tuple(str(row[name]) for row in rows for name in ("architecture", "latency_ms"))
        return pair_labels(base)

    def _is_kept(self, rows: RowPair) -> bool:
        folders = zip((self.base, self.new), rows, strict=True)
        return all(folder.snapshot(row) and folder.dense(row) for folder, row in folders)

    def _session(self, groups: Sequence[Sequence[RowPair]]) -> TimingSession[RowPair]:
        """Session of pairs, the first of each group timed for all of it."""
        rows, every = [group[0] for group in groups], [pair for group in groups for pair in group]
        base, _ = rows[0]
        older = self.base_backends.get(base["backend"])
        older_labels = [DENSE, COPY, *(pair_labels(old)[0] for old, _ in rows)] if older else []
        batches = tuple(sorted({old["batch"] for old, _ in every}))
        [backend] = self.catalogue.choose("backend", base["backend"])
        [model] = self.catalogue.choose_models(base["model"])
        job = TimingJob(
            backend=backend,
            model=model,
            dataset=row_dataset(self.catalogue, base, self.base.options, same_images=False),
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
            TimingItem(origin=pair, labels=labels, batches=batches, group=labels[0])
            for group in groups
            for labels in [pair_labels(group[0][0])]
            for pair in group
        ]
        return TimingSession(items=tuple(items), job=job, device=local_device(backend), title=_title)

    def _rivals(self, rows: Sequence[RowPair]) -> dict[str, Model]:
        """Models by label, of those that are smaller networks than the session's."""
        return {
            label: model
            for base, _ in rows
            if base["rival"]
            for model in self.catalogue.choose_models(base["rival"])
            for label in pair_labels(base)
        }

    def _snapshots(self, rows: Sequence[RowPair]) -> dict[str, Path]:
        """Folders by label, both dense models first."""
        base, new = rows[0]
        snapshots = {DENSE: self.base.dense(base), NEW_DENSE: self.new.dense(new)}
        for base, new in rows:
            ours, theirs = pair_labels(base)
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


def _title(job: TimingJob) -> str:
    batches = ", ".join(map(str, job.batches))
    return f"{job.model.name} on {job.backend.name}, batch {batches}: base and new"
