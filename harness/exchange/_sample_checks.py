"""Sample checks: times and savings computed again from what was timed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.presentation.timing_samples import SampleArchives
from harness.ranking.intervals import saving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CLOSE = 1e-6


def sample_findings(rows: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[str]:
    """What rows say of their times that samples in a folder do not, by row."""
    archives = SampleArchives(folder)
    for row in rows:
        if row["status"] == "ok" and row["rounds"] is not None:
            yield from (f"{row['key']}: {text}" for text in _findings(row, archives))


def _findings(row: Mapping[str, Any], archives: SampleArchives) -> Iterator[str]:
    if not row["samples"]:
        yield "it was timed and has no samples"
        return
    try:
        samples = archives.of(row)
    except (ValueError, OSError, KeyError, EOFError) as error:
        yield f"{row['samples']} cannot be read ({' '.join(str(error).split())})"
        return
    if samples is None:
        yield f"no samples in {row['samples']} give its latency of {row['latency_ms']:.4g} ms"
        return
    estimate = saving(samples.dense, samples.own, samples.weights)
    for name, value in (
        ("ms_saved", estimate.value), ("ms_saved_low", estimate.low), ("ms_saved_high", estimate.high),
    ):  # fmt: skip
        if not math.isclose(row[name], value, rel_tol=CLOSE, abs_tol=CLOSE * row["dense_latency_ms"]):
            yield f"{name} is {row[name]:.4g}, and its samples give {value:.4g}"
