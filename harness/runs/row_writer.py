"""Rows on their way to the ledger: put together, checked, written, announced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.measuring.backend_evaluation import BackendEvaluations
from harness.measuring.row_builder import KnownFacts, complete_row, empty_row, least_milliseconds
from harness.measuring.row_columns import (
    energy_columns,
    session_columns,
    simulated_columns,
    timed_columns,
)
from harness.measuring.timing_process import COPY, DENSE
from harness.trials.deployed_size import DeployedSizes
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from harness.contracts.meters import Meter
    from harness.discovery.catalogue import Catalogue
    from harness.engines.observer import Observer
    from harness.measuring.timing_results import TimingResults
    from harness.storage.artifacts import ArtifactStore
    from harness.storage.ledger import Ledger
    from harness.storage.row import Row, Status
    from harness.trials.grid import Cell
    from harness.trials.level_result import LevelResult


class RowWriter:
    """Writes a row for each cell, and counts them.

    `evaluations` are what is known of snapshots, `meter` is what told the energy of sessions.
    """

    def __init__(
        self, ledger: Ledger, store: ArtifactStore, *, catalogue: Catalogue, observer: Observer
    ) -> None:
        self.evaluations = BackendEvaluations()
        self.meter: Meter | None = None
        self._ledger = ledger
        self._store = store
        self._deployed_sizes = DeployedSizes(store)
        self._catalogue = catalogue
        self._observer = observer
        self._written = 0

    def empty(self, cell: Cell, status: Status, reason: str) -> None:
        """Write that the cell could not run, and why."""
        self._write(empty_row(cell, status, reason))

    def simulated(self, cell: Cell, level: LevelResult) -> None:
        """Write what the simulator says."""
        known = self._known(cell, level)
        times = simulated_columns(cell, known)
        self._write(complete_row(cell, known, times=times))

    def timed(
        self, cell: Cell, level: LevelResult, found: TimingResults | str, *, archive: str
    ) -> None:
        """Write what a session found, or that it came to no end."""
        label = DENSE if level.snapshot == cell.dense.key else level.snapshot
        reason = found if isinstance(found, str) else found.failure(cell.batch, label)
        if isinstance(found, str) or reason:
            self.empty(cell, "failed", reason or "")
            return
        # Dense's own row compares it with a copy of itself, so that it shows a saving of nothing.
        shown = COPY if label == DENSE else label
        energy = energy_columns(found, shown, batch=cell.batch, meter=self.meter, backend=cell.backend)
        times = timed_columns(found, shown, batch=cell.batch) | session_columns(found, shown) | energy
        known = self._known(cell, level)
        row = complete_row(cell, known, times=times)
        floor = least_milliseconds(cell, known.snapshot.macs)
        if (row.latency_ms or 0.0) < floor:
            reason = f"{row.latency_ms:.3g} ms is less than the {floor:.3g} ms that the device needs"
            self.empty(cell, "failed", reason)
        else:
            self._write(replace(row, samples=archive))

    def _known(self, cell: Cell, level: LevelResult) -> KnownFacts:
        return KnownFacts(
            level=level,
            snapshot=read_facts(self._store.folder(level.snapshot)),
            dense=read_facts(self._store.folder(cell.dense.key)),
            taken=self._deployed_sizes.of(cell, level),
            own=self.evaluations.of(level.snapshot, cell.backend),
            dense_own=self.evaluations.of(cell.dense.key, cell.backend),
        )

    def _write(self, row: Row) -> None:
        self._ledger.append(row)
        self._written += 1
        self._observer.rows(self._written)
        for problem in self._catalogue.announce(vars(row)):
            self._observer.note(problem)
