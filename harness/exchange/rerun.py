"""Rerun of cells: what a run claims of them, and what this machine gives."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.exchange._saved_share import intervals_meet, saved_share
from harness.publishing.row_command import row_options, typed_options
from harness.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.exchange._saved_share import SavedShare

    Row = Mapping[str, Any]

MOST_POINTS = 0.05
"""Of accuracy: what other processors change in training, where it is unstable."""
OTHERWISE = "its settings make another trial here: a plugin or the recipe differs"
LONGEST_SECONDS = 6 * 3600.0
CELL = (
    "trial",
    "model",
    "pruner",
    "granularity",
    "scope",
    "schedule",
    "seed",
    "sparsity",
    "backend",
    "batch",
)


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """Rerun of a cell: accuracy, multiply-accumulates, and saving as a share of dense time.

    As claimed, and as measured here: those are None where the run gave none, for a `reason`. A saving
    has its 95 % interval.
    """

    cell: str
    top1: float
    macs: int | None
    saved: SavedShare
    device: str = ""
    top1_here: float | None = None
    macs_here: int | None = None
    saved_here: SavedShare | None = None
    device_here: str = ""
    reason: str = ""

    @property
    def verdict(self) -> str:
        """What both say, in words."""
        if self.saved_here is None:
            return f"not run: {self.reason}"
        kinds = f" ({self.device} there, {self.device_here} here)"
        elsewhere = kinds if self.device != self.device_here else ""
        return f"{'agrees' if self.agrees else 'does not agree'}{elsewhere}"

    @property
    def is_as_accurate(self) -> bool:
        """Whether accuracies differ by no more than training on another machine may change."""
        return self.top1_here is not None and abs(self.top1 - self.top1_here) <= MOST_POINTS

    @property
    def agrees(self) -> bool:
        """Whether both savings' intervals meet, for as many multiply-accumulates and as accurately."""
        if self.saved_here is None:
            return False
        meet = intervals_meet(self.saved, self.saved_here)
        return meet and self.macs == self.macs_here and self.is_as_accurate

    def record(self) -> dict[str, Any]:
        """Its numbers, for a file."""
        return {**asdict(self), "agrees": self.agrees}


def chosen_cells(rows: Sequence[Row], count: int, *, seed: int | None) -> list[Row]:
    """Random cells of a run that were measured, dense aside; the same for the same seed.

    Without one nobody knows them beforehand.
    """
    succeeded = [
        row for row in rows if row["status"] == "ok" and row["pruner"] not in ("dense", "rivals")
    ]
    return random.Random(seed).sample(succeeded, min(count, len(succeeded)))  # noqa: S311 -- a choice, no secret


def rerun(row: Row, options: Mapping[str, Any], folder: Path, *, plugin: str) -> Rerun:
    """Run a cell again in a folder. Raises HarnessError where the run does not say how it was made."""
    if not options:
        raise HarnessError("the run does not say what was asked for, so that nothing can be run again")
    words = typed_options({**options, **row_options(row)})
    plugins = ["--plugin", plugin] if plugin else []
    command = [sys.executable, "-P", "-m", "harness", "run", *words, *plugins, "--out", str(folder)]
    claimed = Rerun(
        cell=_text(row),
        top1=row["top1"],
        macs=row["macs"],
        saved=saved_share(row),
        device=row["device"],
    )
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return replace(claimed, reason=f"it was stopped after {LONGEST_SECONDS / 3600:g} hours")
    again = _same_cell(row, folder) if (folder / "rows.jsonl").is_file() else None
    if again is None or again["status"] != "ok":
        failed = done.stderr.strip().splitlines()[-1:] if done.returncode else [OTHERWISE]
        return replace(claimed, reason=str(again["reason"]) if again else "".join(failed))
    return replace(
        claimed,
        top1_here=again["top1"],
        macs_here=again["macs"],
        saved_here=saved_share(again),
        device_here=again["device"],
    )


def _same_cell(row: Row, folder: Path) -> Row | None:
    alike = [own for own in RunFolder(folder).rows if all(own[name] == row[name] for name in CELL)]
    return alike[-1] if alike else None


def _text(row: Row) -> str:
    words = " ".join(str(row[name]) for name in CELL[1:6])
    return f"{words} at {row['sparsity']:g}, seed {row['seed']}, {row['backend']}, batch {row['batch']}"
