"""Timing samples of rows: milliseconds by process and round, found again in a run's archives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.ranking.intervals import mean_of_medians, process_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.ranking.intervals import Processes

DENSE, COPY = "dense", "hidden copy of dense"
CACHED_ARCHIVES = 8
SAME = 1e-9
"""Relative difference below which a latency is that of those samples."""


@dataclass(frozen=True, kw_only=True)
class RowSamples:
    """Samples behind a row: its model's, dense's beside it (ms), and the weights of processes."""

    own: Processes
    dense: Processes
    weights: Sequence[float]


class SampleArchives:
    """Archives of a run's samples, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._session = lru_cache(maxsize=CACHED_ARCHIVES)(self._read)

    def of(self, row: Mapping[str, Any]) -> RowSamples | None:
        """Samples of a row: those whose latency it has; None where there are none such.

        Rows do not say which model of their architecture was timed.
        """
        processes = self._session(str(row["samples"])).get(int(row["batch"]), [])
        # A model that a process could not run is among the others' weights, and has no row.
        labels = (
            [label for label in processes[0] if all(label in own for own in processes)]
            if processes
            else []
        )
        if DENSE not in labels:
            return None
        weights = process_weights([[*own.values()] for own in processes])
        for label in labels:
            samples = [own[label] for own in processes]
            latency = mean_of_medians(samples, weights).value
            if abs(latency - row["latency_ms"]) <= SAME * latency:
                dense = [own[DENSE] for own in processes]
                return RowSamples(own=samples, dense=dense, weights=weights)
        return None

    def _read(self, name: str) -> dict[int, list[dict[str, Sequence[float]]]]:
        """Samples of a session by batch, process and label; nothing where there is no such archive."""
        import numpy as np

        # A name out of a result file never becomes a path.
        if not name or name not in self._names:
            return {}
        sessions: dict[int, dict[int, dict[str, Sequence[float]]]] = {}
        with np.load(self._folder / name, allow_pickle=False) as archive:
            for key in archive.files:
                batch, _, rest = key.partition("/")
                label, _, process = rest.rpartition("/")
                by_process = sessions.setdefault(int(batch), {})
                by_process.setdefault(int(process), {})[label] = archive[key].tolist()
        return {
            batch: [by_process[process] for process in sorted(by_process)]
            for batch, by_process in sessions.items()
        }

    @property
    def _names(self) -> set[str]:
        return {path.name for path in self._folder.glob("*.npz")}
