"""What a job tells a person while it runs: lines of its log, which the run shows as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "harness tells: "


def tell(text: str) -> None:
    """Tell a person something, from a worker process whose output is a log."""
    print(f"{MARK}{' '.join(text.split())}", flush=True)


class ToldLines:
    """Lines that jobs tell from now on in a log that several of them write to."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = log.stat().st_size if log.is_file() else 0

    def new(self) -> Iterator[str]:
        """Those that came since the last look, whole ones."""
        if not self._log.is_file() or self._log.stat().st_size <= self._offset:
            return
        with self._log.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                text = line.decode("utf-8", "replace")
                if text.startswith(MARK):
                    yield text.removeprefix(MARK).strip()
