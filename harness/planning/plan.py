"""Plan: a grid compared with the ledger, which rows are pending and what they need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.conversion.deployment import Deployment
from harness.storage.row import NO_METER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.planning.grid import Cell, Grid
    from harness.trials.rival import Rival
    from harness.trials.spec import Dense, Trial


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Plan: all cells of a grid, and those whose rows are pending.

    Dense models `ahead` are trained too, though no pending cell of this plan needs them.
    """

    dense_models: tuple[Dense, ...]
    trials: tuple[Trial | Rival, ...]
    cells: tuple[Cell, ...]
    pending: tuple[Cell, ...]
    ahead: tuple[Dense, ...] = ()

    def with_cells(self, other: Plan) -> Plan:
        """The plan with the cells of another one, whose rows belong to the same ranking."""
        cells = {cell.key: cell for cell in (*self.cells, *other.cells)}
        return replace(self, cells=tuple(cells.values()))

    def stages(self) -> list[Plan]:
        """Stages: the plan seed by seed, so that a whole table is there after the first.

        Each trains the next one's dense models beside its own: a worker would wait meanwhile.
        """
        pending: dict[int, list[Cell]] = {}
        for cell in self.pending:
            pending.setdefault(cell.dense.seed, []).append(cell)
        stages = [replace(self, pending=tuple(cells)) for cells in pending.values()]
        following = [*stages[1:], replace(self, pending=())]
        return [
            replace(stage, ahead=tuple(after.needed_dense_models))
            for stage, after in zip(stages, following, strict=False)
        ]

    @cached_property
    def runnable(self) -> list[Cell]:
        """Runnable cells: pending ones that can run, as far as that is known beforehand."""
        return [cell for cell in self.pending if cell.impossible is None]

    @property
    def deployments(self) -> list[Deployment]:
        """Deployments of its models, the batch sizes rising."""
        backends = {cell.backend.name: cell.backend for cell in self.runnable}
        pairs = {(cell.backend.name, cell.batch) for cell in self.runnable}
        return [
            Deployment(
                backend=backend,
                batches=sorted(batch for cell_backend, batch in pairs if cell_backend == name),
            )
            for name, backend in backends.items()
        ]

    @property
    def needed_dense_models(self) -> list[Dense]:
        """Dense models that a pending cell starts from or is."""
        keys = {cell.dense.key for cell in self.runnable}
        return [dense for dense in self.dense_models if dense.key in keys]

    @property
    def pending_trials(self) -> list[Trial | Rival]:
        """Pending trials: they can run and lack a row."""
        subjects = {cell.subject.key for cell in self.runnable}
        return [trial for trial in self.trials if trial.key in subjects]


def make_plan(
    grid: Grid, rows: Sequence[Mapping[str, Any]], *, processes: int = 1, metered: bool = False
) -> Plan:
    """Make a plan: compare the grid with the rows there are.

    A row is pending again where it failed, where a copy of dense stood out, and where it was timed in
    fewer than `processes`, or, where `metered`, without any meter.
    """
    dense_models = tuple(grid.dense_models())
    trials = tuple(grid.trials(dense_models))
    cells = tuple(grid.cells((*dense_models, *trials)))
    current = {
        row["key"] for row in rows if _is_current(row, processes) and not (metered and _unmetered(row))
    }
    pending = tuple(cell for cell in cells if cell.key not in current)
    return Plan(dense_models=dense_models, trials=trials, cells=cells, pending=pending)


def _is_current(row: Mapping[str, Any], processes: int) -> bool:
    if row["status"] != "ok":
        return bool(row["status"] == "skipped")
    enough = row["processes"] is None or row["processes"] >= processes
    return bool(enough) and row["steady"] is not False


def _unmetered(row: Mapping[str, Any]) -> bool:
    timed = row["status"] == "ok" and row["rounds"] is not None
    return timed and not row["energy_source"] and row["energy_reason"] in ("", NO_METER)
