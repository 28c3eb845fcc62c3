"""Sample checks: what rows say of their times, computed again from what was timed."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.contracts.backends import Simulates
from harness.errors import HarnessError, failure_reason
from harness.measuring.row_columns import timed_columns
from harness.measuring.timing_results import DENSE, ProcessTiming, TimingResults
from harness.presentation.timing_samples import SampleArchives

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.discovery.catalogue import Catalogue

    Row = Mapping[str, Any]

CLOSE = 1e-6
RECOMPUTED = (
    "latency_low_ms", "latency_high_ms", "latency_mad_ms", "latency_p90_ms", "latency_p99_ms",
    "dense_latency_ms", "ms_saved", "ms_saved_low", "ms_saved_high", "ms_saved_error", "noise_ms",
    "rounds",
)  # fmt: skip
"""Columns that samples alone decide, the latency aside that a row's samples are found by."""


def sample_findings(rows: Sequence[Row], folder: Path) -> Iterator[str]:
    """What rows say of their times that samples in a folder do not, by row."""
    sessions = _Sessions(folder)
    for row in rows:
        if row["status"] == "ok" and row["rounds"] is not None:
            yield from (f"{row['key']}: {text}" for text in _findings(row, sessions))
    yield from sessions.shared_labels()


def simulated_findings(rows: Sequence[Row], catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """Findings on rows without samples, as only a simulator's are, and notes on unknown backends."""
    plugins = {offer.name: offer.plugin for offer in catalogue.offers if offer.kind == "backend"}
    findings: list[str] = []
    unknown: set[str] = set()
    for row in rows:
        if row["status"] != "ok" or row["rounds"] is not None or row["latency_ms"] is None:
            continue
        backend = row["backend"].partition(":")[0]
        if backend not in plugins:
            unknown.add(backend)
        elif not isinstance(plugins[backend], Simulates):
            findings.append(f"{row['key']}: it has no rounds, and {backend} is no simulator")
        elif not _is_close(row["ms_saved"], row["dense_latency_ms"] - row["latency_ms"], row):
            findings.append(f"{row['key']}: ms_saved is not what its two simulated times make")
    notes = [f"{name} is not installed: whether it simulates is not known" for name in sorted(unknown)]
    return findings, notes


class _Sessions:
    """Sessions of a run's archives, each computed once, and the models that rows say they timed."""

    def __init__(self, folder: Path) -> None:
        self._archives = SampleArchives(folder)
        self._columns = cache(self._recomputed)
        self._architectures: dict[tuple[str, int, str], set[str]] = defaultdict(set)

    def columns_of(self, row: Row) -> dict[str, Any] | None:
        """Columns from the samples that give a row's latency; None where none do."""
        name, batch = str(row["samples"]), int(row["batch"])
        for label, columns in self._columns(name, batch).items():
            if math.isclose(columns["latency_ms"], row["latency_ms"], rel_tol=1e-9):
                if row["architecture"]:
                    self._architectures[name, batch, label].add(row["architecture"])
                return columns
        return None

    def shared_labels(self) -> Iterator[str]:
        """Models that were timed once and stand for several architectures, which none can."""
        for (name, batch, label), architectures in self._architectures.items():
            if len(architectures) > 1:
                told = ", ".join(sorted(architectures))
                yield f"{name}, batch {batch}: the times of {label} stand for {told}, which differ"

    def _recomputed(self, name: str, batch: int) -> dict[str, dict[str, Any]]:
        processes = self._archives.processes(name, batch)
        if not processes:
            return {}
        labels = [label for label in processes[0] if all(label in own for own in processes)]
        timings = [
            ProcessTiming(samples={batch: {k: [*v] for k, v in own.items()}}) for own in processes
        ]
        results = TimingResults(timings=tuple(timings))
        return {label: timed_columns(results, label, batch=batch) for label in labels if label != DENSE}


def _findings(row: Row, sessions: _Sessions) -> Iterator[str]:
    if not row["samples"]:
        yield "it was timed and has no samples"
        return
    try:
        columns = sessions.columns_of(row)
    except HarnessError as error:
        yield str(error)
        return
    except Exception as error:
        yield f"{row['samples']} gives no times ({failure_reason(error)})"
        return
    if columns is None:
        yield f"no samples in {row['samples']} give its latency of {row['latency_ms']:.4g} ms"
        return
    for name in RECOMPUTED:
        if row[name] is not None and not _is_close(row[name], columns[name], columns):
            yield f"{name} is {row[name]:.4g}, and its samples give {columns[name]:.4g}"


def _is_close(one: float, other: float | None, columns: Row) -> bool:
    if other is None:
        return False
    return math.isclose(one, other, rel_tol=CLOSE, abs_tol=1e-9 * columns["dense_latency_ms"])
