"""Known times: what rows of a run tell already of how long an architecture takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.contracts.backends import shares_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.planning.grid import Cell

    Row = Mapping[str, Any]

IDENTITY_COLUMNS = (
    "model", "dataset", "architecture", "backend", "batch", "threads", "device", "runtime",
)  # fmt: skip


class KnownTimes:
    """Known times of architectures, on backends where values of weights do not decide them.

    Only of steady sessions of at least `processes`, and, where `metered`, with an energy.
    """

    def __init__(self, rows: Iterable[Row], *, processes: int, metered: bool) -> None:
        self._rows = {
            _identity(row): row
            for row in rows
            if _is_timed(row, processes) and (row["energy_source"] or not metered)
        }

    def row(self, cell: Cell, architecture: str) -> Row | None:
        """The latest row whose time is that of the cell too; None where there is none."""
        if not shares_time(cell.backend):
            return None
        return self._rows.get(_identity({**cell.settings, "architecture": architecture}))


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in IDENTITY_COLUMNS)


def _is_timed(row: Row, processes: int) -> bool:
    timed = row["status"] == "ok" and row["rounds"] is not None and row["architecture"]
    return bool(timed) and row["steady"] is True and row["processes"] >= processes
