"""Row pairs of two run folders: the same settings in a base and in something newer.

Source hashes, devices and runtimes may differ, since what they changed
is what a comparison is after; of two rows with the same settings in one ledger the later counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.ranking._frame import METHOD_COLUMNS, RECIPE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = Mapping[str, Any]

PAIRING_COLUMNS = (
    "model",
    "dataset",
    *METHOD_COLUMNS,
    "seed",
    "sparsity",
    "rival",
    "backend",
    "batch",
    "threads",
    "target",
    *RECIPE_COLUMNS,
)
INPUT_COLUMNS = ("input_size", "crop_pct", "crop_mode", "interpolation", "mean", "std")
"""What images became; rows of earlier releases do not say."""
LABEL_COLUMNS = ("model", *METHOD_COLUMNS, "backend")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Pair of a base's row and the newer run's; one of them may be missing."""

    base: Row | None
    new: Row | None

    @property
    def label(self) -> str:
        """Label for people: model, method, backend, level, batch size and seed."""
        row = self.base or self.new or {}
        words = " ".join(str(row[name]) for name in LABEL_COLUMNS if row[name])
        return f"{words}, level {row['sparsity']:g}, batch {row['batch']}, seed {row['seed']}"

    @property
    def both(self) -> tuple[Row, Row] | None:
        """Both rows where both were measured."""
        if self.base is None or self.new is None:
            return None
        succeeded = self.base["status"] == self.new["status"] == "ok"
        return (self.base, self.new) if succeeded else None

    @property
    def vanished(self) -> bool:
        """Whether the base was measured and the newer run has no row of it, not even a failed one."""
        return self.base is not None and self.base["status"] == "ok" and self.new is None

    @property
    def broken(self) -> bool:
        """Whether the base was measured and the newer run failed or skipped it."""
        succeeded = self.base is not None and self.base["status"] == "ok"
        return succeeded and self.new is not None and self.new["status"] != "ok"


def pairs(base: Sequence[Row], new: Sequence[Row]) -> list[Pair]:
    """Pairs of every row of the base, then of the rows that only the newer run has."""
    ours, theirs = ({_settings(row): row for row in rows} for rows in (base, new))
    alike = {s for s, row in ours.items() if s in theirs and _same_inputs(row, theirs[s])}
    shared = [Pair(base=row, new=theirs[s] if s in alike else None) for s, row in ours.items()]
    return shared + [Pair(base=None, new=row) for s, row in theirs.items() if s not in alike]


def _same_inputs(base: Row, new: Row) -> bool:
    """Whether models of both read the same of an image, as far as both rows say."""
    known = base.get("input_size") is not None and new.get("input_size") is not None
    return not known or all(base.get(name) == new.get(name) for name in INPUT_COLUMNS)


def _settings(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in PAIRING_COLUMNS)
