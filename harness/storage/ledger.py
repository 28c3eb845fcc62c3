"""Ledger: the append-only file of rows, one flushed and synced line a row."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from filelock import FileLock, Timeout

from harness.errors import HarnessError, UnwritableError
from harness.storage.files import naming, valid_text
from harness.storage.row import Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROWS = "rows.jsonl"


class Ledger:
    """Ledger of one run folder; a key written again replaces its earlier row for every reader."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / ROWS

    def rows(self) -> list[dict[str, Any]]:
        """Latest row of each key and machine, in the order the keys first came.

        A cell that two machines measured has two rows; one that failed is replaced by any later row.
        A last line that a killed process left unfinished is passed over.
        Raises HarnessError naming the line where anything else is unreadable.
        """
        latest: dict[str, dict[str, dict[str, Any]]] = {}
        if not self.path.is_file():
            return []
        columns = asdict(Row())
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                # A column that came later is empty in the rows of before.
                row = columns | self._parse(line, number)
                _replace(latest.setdefault(row["key"], {}), row)
        return [row for by_machine in latest.values() for row in by_machine.values()]

    def append(self, row: Row) -> None:
        """Append a row; it is on the disk when this returns."""
        columns = {n: valid_text(v) if isinstance(v, str) else v for n, v in vars(row).items()}
        line = json.dumps(columns, allow_nan=False).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with naming(self.path), self.path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def repair(self) -> None:
        """Cut off a line that a killed process left unfinished, before anything is appended."""
        if self.path.is_file():
            content = self.path.read_bytes()
            if content and not content.endswith(b"\n"):
                with self.path.open("rb+") as file:
                    file.truncate(content.rfind(b"\n") + 1)

    def lock(self) -> FileLock:
        """Exclusive file lock on the run folder: one writer at a time.

        Raises HarnessError at once where another run holds it or it cannot be written.
        """
        self.make_folder()
        lock = FileLock(self.path.parent / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise HarnessError(
                f"another harness run is writing to {self.path.parent}; wait for it, or choose "
                "another folder with --out"
            ) from None
        except OSError as error:
            raise self._unwritable(error) from None
        return lock

    def make_folder(self) -> None:
        """Make the run folder. Raises HarnessError where that cannot be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> HarnessError:
        return UnwritableError(self.path.parent, error.strerror or error)

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = dict(orjson.loads(line))
            row["key"]
        except (ValueError, TypeError, KeyError):
            raise HarnessError(f"{self.path}, line {number}, is not a row") from None
        return row


def _replace(by_machine: dict[str, dict[str, Any]], row: dict[str, Any]) -> None:
    """Put a later row of a key among the earlier ones, in place of those that it replaces."""
    if row["status"] != "ok" or any(other["status"] != "ok" for other in by_machine.values()):
        by_machine.clear()
    # What is written last stands last: of several machines, too, readers take the last.
    by_machine.pop(timing_machine(row), None)
    by_machine[timing_machine(row)] = row


def timing_machine(row: Mapping[str, Any]) -> str:
    """Machine that timed a row, of earlier releases its kind; empty where a simulator told its time."""
    if row.get("rounds") is None:
        return ""
    return str(row.get("machine") or f"{row.get('device')}, {row.get('cores')}, {row.get('platform')}")
