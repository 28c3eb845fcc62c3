"""Carrying out a plan: trials, memory, timings, rows; only what the ledger does not hold yet."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.contracts.backends import Simulates
from harness.engines.local import LocalEngine
from harness.engines.pool import WorkerPool
from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.deployed_size import DeployedSizes
from harness.measuring.known_times import KnownTimes
from harness.measuring.row_builder import RowBuilder, empty_row
from harness.measuring.timing_results import raw_samples
from harness.runs._evaluation_phase import evaluate
from harness.runs._memory_phase import measure_memory
from harness.runs._timing_phase import time_cells
from harness.runs._training_phase import train, training_results
from harness.runs.preloads import preloads_of
from harness.storage.artifacts import ARTIFACTS, DAMAGED, ArtifactStore
from harness.storage.damage import artifact_damages
from harness.storage.files import remove_folder, sync_folder, write_file
from harness.storage.keys import digest
from harness.storage.ledger import Ledger
from harness.storage.run_folder import SAMPLES
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.discovery.catalogue import Catalogue
    from harness.engines.engine import Outcome
    from harness.engines.observer import Observer
    from harness.engines.shard import Shard
    from harness.measuring.timing_results import TimingResults
    from harness.measuring.timing_session import ReadyCell
    from harness.planning.plan import Plan
    from harness.runs.execution import Execution
    from harness.storage.row import Row

LOG = "log.txt"


def clear(folder: Path) -> None:
    """Forget the rows, samples and artifacts of a run folder, so that everything is made again."""
    Ledger(folder).path.unlink(missing_ok=True)
    # Before what they depend on: a power cut is to leave no row without its artifacts.
    sync_folder(folder)
    for name in (ARTIFACTS, SAMPLES):
        remove_folder(folder / name)


class Runner:
    """Carries out plans in a run folder, which the caller has locked.

    Where its time goes is added to `time_breakdown` where there is one.
    """

    def __init__(
        self,
        folder: Path,
        execution: Execution,
        *,
        catalogue: Catalogue,
        observer: Observer,
        time_breakdown: TimeBreakdown | None = None,
    ) -> None:
        self._folder = folder
        self._store = ArtifactStore(folder / ARTIFACTS)
        self._ledger = Ledger(folder)
        self._execution = execution
        self._catalogue = catalogue
        self._observer = observer
        self._time_breakdown = time_breakdown or TimeBreakdown()
        self._written = 0

    def carry_out(self, plan: Plan, *, first_timed: Callable[[], None] = lambda: None) -> None:
        """Write the row of every owed cell. A cell that cannot run becomes a row with its reason.

        `first_timed` is called when what is timed first is written and more is to be timed.
        """
        self._ledger.repair()
        self._store.sweep()
        told = len(self._store.reasons())
        if plan.pending:
            for damage in artifact_damages(self._store, read_facts):
                self._store.set_aside(damage.path, damage.reason)
        told = self._tell_set_aside(told)
        self._observer.rows(self._written)
        for row in self._rows(plan, first_timed):
            self._ledger.append(row)
            self._written += 1
            self._observer.rows(self._written)
            for problem in self._catalogue.announce(vars(row)):
                self._observer.note(problem)
        self._tell_set_aside(told)

    def _tell_set_aside(self, told: int) -> int:
        """Tell what was set aside after the first `told`, and return how many that makes."""
        reasons = self._store.reasons()
        for reason in reasons[told:]:
            self._observer.note(f"{reason}: set aside in {self._store.root / DAMAGED}, and made again")
        return len(reasons)

    def train(self, plan: Plan, shard: Shard) -> Mapping[str, str]:
        """Only train, beside others in the same folder; the reasons of what came to no end."""
        self._ledger.make_folder()
        return train(plan, pool=self._pool(plan), store=self._store, shard=shard)

    def _rows(self, plan: Plan, first_timed: Callable[[], None]) -> Iterator[Row]:
        """The row of each owed cell as soon as there is one, so that whoever stops loses none."""
        for cell in plan.pending:
            if cell.impossible is not None:
                yield empty_row(cell, "skipped", cell.impossible)
        if plan.runnable:
            yield from self._runnable_rows(plan, self._pool(plan), first_timed)

    def _runnable_rows(
        self, plan: Plan, pool: WorkerPool, first_timed: Callable[[], None]
    ) -> Iterator[Row]:
        store, execution = self._store, self._execution
        failures = train(plan, pool=pool, store=store, dense_from=execution.dense_from)
        ready: list[ReadyCell] = []
        for cell, level in training_results(plan.runnable, failures, store=store):
            if level.status == "ok":
                ready.append((cell, level))
            else:
                yield empty_row(cell, level.status, level.reason)
        evaluations = evaluate(ready, pool=pool, store=store)
        builder = RowBuilder(store, evaluations=evaluations, meter=execution.meter)
        untimed: list[ReadyCell] = []
        for cell, level in ready:
            reason = evaluations.failure(level.snapshot, cell)
            if reason:
                yield empty_row(cell, "failed", reason)
            elif isinstance(cell.backend, Simulates):
                yield builder.simulated(cell, level)
            else:
                untimed.append((cell, level))
        measure_memory(untimed, pool=pool, store=store)
        yield from self._timed_rows(untimed, builder, pool, first_timed)

    def _timed_rows(
        self,
        untimed: Sequence[ReadyCell],
        builder: RowBuilder,
        pool: WorkerPool,
        first_timed: Callable[[], None],
    ) -> Iterator[Row]:
        rule, meter = self._execution.stopping_rule, self._execution.meter
        known = KnownTimes(self._ledger.rows(), processes=rule.least, metered=meter is not None)
        sizes = DeployedSizes(self._store)
        unknown: list[ReadyCell] = []
        shared: list[ReadyCell] = []
        for cell, level in untimed:
            row = known.row(cell, sizes.architecture(level.snapshot, cell.backend))
            if row is None:
                unknown.append((cell, level))
            else:
                shared.append((cell, level))
                yield builder.shared(cell, level, row)
        sessions = time_cells(unknown, shared, pool=pool, store=self._store, execution=self._execution)
        for number, (session, outcome) in enumerate(sessions, start=1):
            archive = self._keep_samples(session.origins, outcome)
            for item in session.items:
                yield builder.timed(item, session, outcome, archive=archive)
            self._observer.done(session.label, len(session.items))
            if number == 1 and len(session.items) < len(unknown):
                first_timed()

    def _keep_samples(self, cells: Sequence[ReadyCell], outcome: Outcome[TimingResults]) -> str:
        """The name of the archive that holds a session's samples; empty where there are none."""
        if outcome.value is None:
            return ""
        archive = f"{digest([cell.key for cell, _ in cells])}.npz"
        write_file(self._folder / SAMPLES / archive, raw_samples(outcome.value))
        return archive

    def _pool(self, plan: Plan) -> WorkerPool:
        make = self._execution.engine or partial(LocalEngine, workers=self._execution.workers)
        engine = make(
            time_limit=self._execution.time_limit,
            log=self._folder / LOG,
            preloads=preloads_of(plan.dense_models[0].dataset),
            note=self._observer.note,
            limits=self._execution.limits,
        )
        return WorkerPool(engine=engine, observer=self._observer, time_breakdown=self._time_breakdown)
