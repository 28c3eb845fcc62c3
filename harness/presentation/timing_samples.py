"""Timing samples of rows: milliseconds by process and round, found again in a run's archives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, failure_reason
from harness.ranking.intervals import mean_of_medians, process_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.ranking.intervals import Processes

DENSE = "dense"
CACHED_ARCHIVES = 256
MOST_BYTES = 256_000_000
"""Of an archive when unpacked."""
LONGEST = 1e15
"""Milliseconds, and nothing takes less than one divided by it."""
SAME = 1e-9
"""Relative difference below which a latency is that of those samples."""


@dataclass(frozen=True, kw_only=True)
class RowSamples:
    """Samples behind a row: its model's, and dense's beside it (ms)."""

    own: Processes
    dense: Processes


class _Session:
    """Samples of one session at one batch size, by process and label."""

    def __init__(self, processes: Sequence[Mapping[str, Sequence[float]]]) -> None:
        self.processes = processes
        self._weights = process_weights([[*own.values()] for own in processes])

    def of(self, latency: float) -> RowSamples | None:
        """Samples whose latency that is, and dense's beside them; None where there are none such."""
        labels = [own for own, known in self._latencies.items() if abs(known - latency) <= SAME * known]
        if not labels or DENSE not in self._latencies:
            return None
        own, dense = (self._samples(label) for label in (labels[0], DENSE))
        return RowSamples(own=own, dense=dense)

    @cached_property
    def _latencies(self) -> dict[str, float]:
        """Latencies of what every process ran; what one could not run has no row."""
        everywhere = [own for own in self.processes[0] if all(own in one for one in self.processes)]
        return {
            label: mean_of_medians(self._samples(label), self._weights).value for label in everywhere
        }

    def _samples(self, label: str) -> Processes:
        return [own[label] for own in self.processes]


class SampleArchives:
    """Archives of a run's samples, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sessions = lru_cache(maxsize=CACHED_ARCHIVES)(self._read)

    def of(self, row: Mapping[str, Any]) -> RowSamples | None:
        """Samples of a row: those whose latency it has; None where there are none such.

        Rows do not say which model of their architecture was timed.
        """
        session = self._sessions(str(row["samples"])).get(int(row["batch"]))
        return session.of(row["latency_ms"]) if session else None

    def processes(self, name: str, batch: int) -> Sequence[Mapping[str, Sequence[float]]]:
        """Samples of an archive by process and label; none where there is no such archive."""
        session = self._sessions(name).get(batch)
        return session.processes if session else ()

    def _read(self, name: str) -> dict[int, _Session]:
        """Sessions of an archive by batch size; nothing where there is no such archive.

        Raises HarnessError where it is there and cannot be read.
        """
        # A name out of a result file never becomes a path.
        if not name or name not in self._names:
            return {}
        sessions: dict[int, dict[int, dict[str, Sequence[float]]]] = {}
        try:
            for key, samples in _arrays(self._folder / name):
                batch, _, rest = key.partition("/")
                label, _, process = rest.rpartition("/")
                by_process = sessions.setdefault(int(batch), {})
                by_process.setdefault(int(process), {})[label] = samples
        except Exception as error:
            # Whatever a damaged archive makes of the library that reads it.
            raise HarnessError(f"samples/{name} cannot be read ({failure_reason(error)})") from None
        return {
            batch: _Session([by_process[process] for process in sorted(by_process)])
            for batch, by_process in sessions.items()
        }

    @property
    def _names(self) -> set[str]:
        return {path.name for path in self._folder.glob("*.npz")}


def _arrays(path: Path) -> Iterator[tuple[str, list[float]]]:
    """Arrays of an archive by name. Raises ValueError where they are no times, or fill the memory."""
    import numpy as np

    # Opened here, since numpy leaves a file open that is no archive.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        unpacked = sum(item.file_size for item in archive.zip.infolist())
        if unpacked > MOST_BYTES:
            raise ValueError(f"{unpacked / 1e6:.0f} MB when unpacked; {MOST_BYTES / 1e6:.0f} at most")
        for name in archive.files:
            samples = archive[name]
            if samples.ndim != 1 or samples.dtype.kind != "f" or not len(samples):
                raise ValueError(f"{name!a} holds no list of times")
            # In 16 bits the limits themselves are none.
            times = samples.astype(np.float64)
            if not ((times >= 1 / LONGEST) & (times <= LONGEST)).all():
                raise ValueError(f"{name!a} holds what is no time")
            yield name, times.tolist()
