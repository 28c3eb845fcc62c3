"""A grid held against the ledger: which rows are owed, and the work that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.conversion.deployment import Deployment
from harness.storage.row import NO_METER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.trials.grid import Cell, Grid
    from harness.trials.spec import Dense, Trial


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All cells of a grid, and those whose rows are still owed."""

    dense_models: tuple[Dense, ...]
    trials: tuple[Trial, ...]
    cells: tuple[Cell, ...]
    pending: tuple[Cell, ...]

    @cached_property
    def runnable(self) -> list[Cell]:
        """Owed cells that can run, as far as is known before running them."""
        return [cell for cell in self.pending if cell.impossible is None]

    @property
    def deployments(self) -> list[Deployment]:
        """Where its models are to run, the batch sizes rising."""
        backends = {cell.backend.name: cell.backend for cell in self.runnable}
        pairs = {(cell.backend.name, cell.batch) for cell in self.runnable}
        return [
            Deployment(backend=backend, batches=sorted(batch for own, batch in pairs if own == name))
            for name, backend in backends.items()
        ]

    @property
    def needed_dense_models(self) -> list[Dense]:
        """Dense models that an owed cell starts from or is."""
        keys = {cell.dense.key for cell in self.runnable}
        return [dense for dense in self.dense_models if dense.key in keys]

    @property
    def pending_trials(self) -> list[Trial]:
        """Trials that can run and owe a row."""
        subjects = {cell.subject.key for cell in self.runnable}
        return [trial for trial in self.trials if trial.key in subjects]


def make_plan(
    grid: Grid, rows: Sequence[Mapping[str, Any]], *, processes: int = 1, metered: bool = False
) -> Plan:
    """Compare the grid with the rows there are.

    A row is owed again where it failed, where a copy of dense stood out, and where it was timed in
    fewer than `processes`, or, where energy is asked for, without any meter.
    """
    dense_models = tuple(grid.dense_models())
    trials = tuple(grid.trials(dense_models))
    cells = tuple(grid.cells((*dense_models, *trials)))
    kept = {
        row["key"] for row in rows if _is_current(row, processes) and not (metered and _unmetered(row))
    }
    pending = tuple(cell for cell in cells if cell.key not in kept)
    return Plan(dense_models=dense_models, trials=trials, cells=cells, pending=pending)


def _is_current(row: Mapping[str, Any], processes: int) -> bool:
    if row["status"] != "ok":
        return bool(row["status"] == "skipped")
    enough = row["processes"] is None or row["processes"] >= processes
    return bool(enough) and row["steady"] is not False


def _unmetered(row: Mapping[str, Any]) -> bool:
    timed = row["status"] == "ok" and row["rounds"] is not None
    return timed and not row["energy_source"] and row["energy_reason"] in ("", NO_METER)
