"""Timing samples of rows: milliseconds by process and round, found again in a run's archives."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.ranking.intervals import mean_of_medians, process_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.ranking.intervals import Processes

DENSE, COPY = "dense", "hidden copy of dense"
CACHED_ARCHIVES = 8
SAME = 1e-9
"""Relative difference below which a latency is that of those samples."""


@dataclass(frozen=True, kw_only=True)
class RowSamples:
    """Samples behind a row: its model's, and those of the dense model beside it (ms)."""

    own: Processes
    dense: Processes


class SampleArchives:
    """Archives of a run's samples, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._session = lru_cache(maxsize=CACHED_ARCHIVES)(self._read)

    def of(self, row: Mapping[str, Any]) -> RowSamples | None:
        """Samples of a row: those whose latency it has; None where there are none such.

        Rows do not say which model of their architecture was timed.
        """
        by_label = self._session(str(row["samples"])).get(int(row["batch"]), {})
        if DENSE not in by_label:
            return None
        processes = range(len(by_label[DENSE]))
        weights = process_weights([[own[p] for own in by_label.values()] for p in processes])
        for own in by_label.values():
            latency = mean_of_medians(own, weights).value
            if abs(latency - row["latency_ms"]) <= SAME * latency:
                return RowSamples(own=own, dense=by_label[DENSE])
        return None

    def _read(self, name: str) -> dict[int, dict[str, Processes]]:
        """Samples of a session by batch and label; nothing where there is no such archive."""
        import numpy as np

        # A name out of a result file never becomes a path.
        if not name or name not in self._names:
            return {}
        by_batch: dict[int, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
        with np.load(self._folder / name, allow_pickle=False) as archive:
            for key in sorted(archive.files, key=_process_of):
                batch, _, rest = key.partition("/")
                by_batch[int(batch)][rest.rpartition("/")[0]].append(archive[key].tolist())
        return {
            batch: {label: own for label, own in labels.items() if len(own) == len(labels[DENSE])}
            for batch, labels in by_batch.items()
            if DENSE in labels
        }

    @property
    def _names(self) -> set[str]:
        return {path.name for path in self._folder.glob("*.npz")}


def _process_of(key: str) -> int:
    return int(key.rpartition("/")[2])
