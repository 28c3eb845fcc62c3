"""Merge of runs: every measurement once, of every machine, in one run folder."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.exchange._saved_share import intervals_meet, saved_share
from harness.presentation.table import interval_text
from harness.storage.files import write_file
from harness.storage.ledger import ROWS, Ledger, timing_machine
from harness.storage.row import Row
from harness.storage.row_line import row_line
from harness.storage.run_folder import OPTIONS, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.storage.run_folder import RunFolder

COLUMNS = frozenset(item.name for item in fields(Row))
INCIDENTAL = frozenset({"samples", "written_at", "load_average", "revision", "harness"})
"""Columns that do not make a copy of a row another measurement."""


@dataclass(frozen=True, kw_only=True)
class Merge:
    """Merge of runs: its rows, how many copies were dropped, and what of one machine disagrees.

    `migrated` counts rows of earlier releases, which lack columns.
    """

    rows: tuple[dict[str, Any], ...]
    copies: int
    migrated: int
    disagreements: tuple[str, ...]


def merge_runs(folders: Sequence[RunFolder], out: Path) -> Merge:
    """Merge runs into a new run folder; their models stay where they are.

    Raises HarnessError where the folder has rows already, or a row has a column that this release does
    not know.
    """
    if Ledger(out).path.exists():
        raise HarnessError(f"--out: {out} holds a run already; choose another folder")
    for folder in folders:
        if folder.rows:
            _refuse_later_columns(folder)
    samples = _Samples(out)
    every = [samples.taken(row, folder) for folder in folders for row in folder.rows]
    merge = merged_rows(every)
    _write_rows(out, merge.rows)
    _write_options(out, folders)
    return merge


def merged_rows(rows: Iterable[Mapping[str, Any]]) -> Merge:
    """Merge of rows: a measurement that several runs hold once, failures where nothing succeeded."""
    by_cell: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    copies = migrated = 0
    for row in rows:
        migrated += not row.get("machine")
        own = by_cell[row["key"], timing_machine(row)]
        if any(_contents(row) == _contents(other) for other in own):
            copies += 1
        else:
            own.append(dict(row))
    kept = sorted((row for own in by_cell.values() for row in own), key=_order)
    return Merge(
        rows=tuple(kept),
        copies=copies,
        migrated=migrated,
        disagreements=tuple(
            text for own in by_cell.values() for text in _disagreements([*filter(_has_saving, own)])
        ),
    )


def _refuse_later_columns(folder: RunFolder) -> None:
    for column in sorted(Ledger(folder.path).columns() - COLUMNS):
        raise HarnessError(
            f"{folder.path} has the column {column!r}, which this release does not know: a later one "
            "wrote it; upgrade to merge it"
        )


def _contents(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in INCIDENTAL}


def _order(row: Mapping[str, Any]) -> tuple[bool, str]:
    """Failures first, then by time, so that for every reader the last counts."""
    return row["status"] == "ok", str(row["written_at"])


def _has_saving(row: Mapping[str, Any]) -> bool:
    return row["status"] == "ok" and row["ms_saved_low"] is not None


def _disagreements(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Sentences on measurements of one cell on one machine that cannot both be true."""
    for number, one in enumerate(rows):
        for other in rows[number + 1 :]:
            if not intervals_meet(saved_share(one), saved_share(other)):
                yield f"{one['key']}: saves {_share_text(one)} of dense time, and {_share_text(other)}"
            if one["correct"] != other["correct"]:
                both = f"top-1 {one['top1']:.2%} and {other['top1']:.2%}"
                yield f"{one['key']}: other test images are right, {both}"


def _share_text(row: Mapping[str, Any]) -> str:
    return interval_text(*saved_share(row), "{:.1%}")


class _Samples:
    """Copies archives of samples into one folder, each under a name of its own."""

    def __init__(self, out: Path) -> None:
        self._folder = out / SAMPLES
        self._names: dict[tuple[Path, str], str] = {}

    def taken(self, row: Mapping[str, Any], folder: RunFolder) -> dict[str, Any]:
        """The row with the name that its archive has here; empty where there is none such."""
        name, source = str(row["samples"] or ""), folder.path / SAMPLES
        if not name:
            return dict(row)
        key = folder.path, name
        if key not in self._names:
            # A name out of a result file never becomes a path.
            known = {path.name: path for path in source.glob("*.npz")}
            self._names[key] = self._copied(known[name]) if name in known else ""
        return {**row, "samples": self._names[key]}

    def _copied(self, source: Path) -> str:
        content = source.read_bytes()
        path = self._folder / source.name
        if path.is_file() and path.read_bytes() != content:
            path = self._folder / f"{hashlib.sha256(content).hexdigest()[:12]}.npz"
        write_file(path, content)
        return path.name


def _write_rows(out: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    write_file(out / ROWS, b"".join(map(row_line, rows)))


def _write_options(out: Path, folders: Sequence[RunFolder]) -> None:
    """What was asked for, where all runs were asked the same; no one command makes other merges."""
    options = [folder.path / OPTIONS for folder in folders]
    texts = {path.read_bytes() if path.is_file() else b"" for path in options}
    if len(texts) == 1 and texts != {b""}:
        write_file(out / OPTIONS, texts.pop())
