"""What the clock cannot tell from nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.assembly import noise_fraction
from harness.grid import Dense

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.grid import Cell
    from harness.measurement import Timing


PLACE = (
    "model", "data_hash", "seed", "backend", "batch", "threads", "device", "runtime", "dense_epochs",
)  # fmt: skip


class NoiseFloor:
    """What counts as noise: the larger of a trial's own copy and of the dense model's many.

    The dense models are timed before the trials, in this run or in an earlier one.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        timed = [row for row in rows if row["pruner"] == "dense" and row["status"] == "ok"]
        self._floors = {_place(row): row["noise_ms"] / row["dense_latency_ms"] for row in timed}

    def at(self, cell: Cell, timing: Timing, copies: int) -> float:
        """The fraction of dense latency below which a saving of this cell is noise."""
        place = _place(cell.settings)
        own = noise_fraction(timing.samples[cell.batch], copies)
        if isinstance(cell.subject, Dense):
            self._floors[place] = own
        return max(own, float(self._floors.get(place, 0.0)))


def _place(settings: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(settings[name] for name in PLACE)
