"""Ledger: the append-only file of rows, one flushed and synced line a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from filelock import FileLock, Timeout

from harness.errors import DamagedError, HarnessError, UnwritableError
from harness.storage.checksums import CHECK
from harness.storage.files import append_line, make_folder, write_file
from harness.storage.row_line import read_row, row_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.storage.row import Row

ROWS = "rows.jsonl"
WAY_OUT = "`harness doctor {} --mend` sets such rows aside, and its run measures them again"
DAMAGED = "rows.damaged.jsonl"
"""Of a run folder: lines that were set aside, as they were found."""


class Ledger:
    """Ledger of one run folder; a key written again replaces its earlier row for every reader."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / ROWS

    def rows(self) -> list[dict[str, Any]]:
        """Latest row of each key and machine, in the order the keys first came.

        A cell that two machines measured has two rows; one that failed is replaced by any later row.
        A last line that a killed process left unfinished is passed over.
        Raises HarnessError naming line, column and value where anything else is damaged.
        """
        rows, damages = self.read()
        for damage in damages:
            raise HarnessError(f"{damage}; {WAY_OUT.format(self.path.parent)}")
        return rows

    def read(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Rows as `rows` has them, without those that are damaged, and what is wrong with these."""
        latest: dict[str, dict[str, dict[str, Any]]] = {}
        damages = []
        for _, row in self._lines():
            if isinstance(row, DamagedError):
                damages.append(str(row))
            else:
                _replace(latest.setdefault(row["key"], {}), row)
        return [row for by_machine in latest.values() for row in by_machine.values()], damages

    def columns(self) -> set[str]:
        """Columns that its rows name, those of a later release among them."""
        decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
        return {name for line, _ in self._lines() for name in decoder.decode(line)} - {CHECK}

    def _lines(self) -> Iterator[tuple[bytes, dict[str, Any] | DamagedError]]:
        """Lines that were written whole: each with its row, or with what is wrong with it."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n"):
                    try:
                        yield line, read_row(line)
                    except DamagedError as error:
                        yield line, DamagedError(f"{ROWS}, line {number}: {error}")

    def append(self, row: Row) -> None:
        """Append a row; it is on the disk when this returns."""
        append_line(self.path, row_line(vars(row)))

    def repair(self) -> None:
        """Cut off a line that a killed process left unfinished, before anything is appended."""
        if self.path.is_file():
            content = self.path.read_bytes()
            if content and not content.endswith(b"\n"):
                with self.path.open("rb+") as file:
                    file.truncate(content.rfind(b"\n") + 1)

    def set_aside_damaged(self) -> list[str]:
        """Move damaged lines into a file of their own, as they are; what was wrong with each.

        Only the run that holds the lock may.
        """
        lines = [*self._lines()]
        damages = {line: str(row) for line, row in lines if isinstance(row, DamagedError)}
        if damages:
            aside = self.path.with_name(DAMAGED)
            before = aside.read_bytes() if aside.is_file() else b""
            write_file(aside, before + b"".join(damages))
            write_file(self.path, b"".join(line for line, _ in lines if line not in damages))
        return [*damages.values()]

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
            make_folder(self.path.parent)
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> HarnessError:
        return UnwritableError(self.path.parent, error.strerror or error)


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
