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


def log_of_host(log: Path, host: str) -> Path:
    """Log that a host of a cluster writes beside the driver's."""
    return log.with_name(f"{log.stem}-{host}{log.suffix}")


class ToldLines:
    """Lines that jobs tell from now on, in a log that several write to or a host's beside it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offsets = {path: path.stat().st_size for path in self._logs()}

    def new(self) -> Iterator[str]:
        """Those that came since the last look, whole ones."""
        for path in self._logs():
            yield from self._new_of(path)

    def _logs(self) -> list[Path]:
        own = [self._log] if self._log.is_file() else []
        return [*own, *sorted(self._log.parent.glob(log_of_host(self._log, "*").name))]

    def _new_of(self, path: Path) -> Iterator[str]:
        offset = self._offsets.setdefault(path, 0)
        if path.stat().st_size <= offset:
            return
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._offsets[path] += len(line)
                text = line.decode("utf-8", "replace")
                if text.startswith(MARK):
                    yield text.removeprefix(MARK).strip()
