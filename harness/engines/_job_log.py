"""Log of a job: what its processes print, in whole lines, of which the beginning is kept."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHUNK_BYTES = 1 << 16


class JobLog:
    """Log of a job that adds to a file what comes out of a pipe, up to a limit in 10^6 bytes."""

    def __init__(self, path: Path, output: int, *, limit_mb: float) -> None:
        self._path, self._output, self._limit_mb = path, output, limit_mb
        self._left = int(limit_mb * 1e6)
        self._begun = b""
        # There from the first moment, for those who look what comes.
        with suppress(OSError):
            path.touch()
        os.set_blocking(output, False)

    def fileno(self) -> int:
        """Descriptor of the pipe, for a selector."""
        return self._output

    def keep(self) -> bool:
        """Keep what has come; False where nothing more can."""
        try:
            chunk = os.read(self._output, CHUNK_BYTES)
        except BlockingIOError:
            return True
        # Others write to the file too: what is one line here is one there.
        lines, newline, rest = (self._begun + chunk).rpartition(b"\n")
        if not chunk or len(rest) > CHUNK_BYTES:
            lines, newline, rest = self._begun + chunk, b"", b""
        self._begun = rest
        self._append(lines + newline)
        return bool(chunk)

    def keep_rest(self) -> None:
        """Keep what was printed until now by processes that are gone."""
        while self._comes() and self.keep():
            pass
        self._append(self._begun)

    def _comes(self) -> bool:
        return bool(select.select([self._output], [], [], 0)[0])

    def _append(self, content: bytes) -> None:
        kept = content[: self._left]
        if len(kept) < len(content) and self._left > 0:
            kept += b"\nharness: this job prints more than %g MB, and the rest is left out\n" % (
                self._limit_mb
            )
        self._left = max(0, self._left - len(content))
        if kept:
            # Where no log can be written, as on a full disk, the job goes on without.
            with suppress(OSError), self._path.open("ab", buffering=0) as file:
                file.write(kept)
