"""What the processes of a timing session sampled, as latencies and savings."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from harness.machine.load import MachineLoad
from harness.ranking.intervals import mean_of_medians, process_weights, saving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.ranking.intervals import Estimate, Processes

DENSE = "dense"
COPY = "hidden copy of dense"
DISTURBED_FRACTION = 0.05
"""A hidden copy of dense that differs from it by more than this fraction, and surely, is no noise."""


@dataclass(kw_only=True)
class ProcessTiming:
    """What one process sampled, by batch and label; times in milliseconds. Filled while it goes on.

    A label in `failures` of a batch size counts for nothing there. `load` is the machine's meanwhile.
    """

    samples: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    load_ms: dict[str, float] = field(default_factory=dict)
    first_ms: dict[str, float] = field(default_factory=dict)
    joules: dict[int, dict[str, float | None]] = field(default_factory=dict)
    deviations: dict[str, float] = field(default_factory=dict)
    failures: dict[int, dict[str, str]] = field(default_factory=dict)
    load: MachineLoad = field(default_factory=MachineLoad)
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TimingResults:
    """What the processes of one session sampled, and why there were no more of them.

    `steady` is false where a copy of dense stood out.
    """

    timings: tuple[ProcessTiming, ...]
    steady: bool = True
    stopped: str = ""

    def failure(self, batch: int, label: str) -> str | None:
        """Why a snapshot has no time at that batch size: the first process that says so."""
        reasons = (timing.failures.get(batch, {}).get(label) for timing in self.timings)
        return next((reason for reason in reasons if reason), None)

    def samples(self, batch: int, label: str) -> Processes:
        """Milliseconds by process and round."""
        return [timing.samples[batch][label] for timing in self.timings]

    def latency(self, batch: int, label: str) -> Estimate:
        """Median time (ms)."""
        return mean_of_medians(self.samples(batch, label), self._weights[batch])

    def saving(self, batch: int, label: str, *, dense: str = DENSE) -> Estimate:
        """What `label` saves against `dense` (ms), paired by round, at dense's mean time."""
        pairs = self.samples(batch, dense), self.samples(batch, label)
        return saving(*pairs, self._weights[batch])

    def joules(self, batch: int, label: str) -> float | None:
        """Energy of one inference, mean of processes; None where one of them does not know."""
        readings = [timing.joules.get(batch, {}).get(label) for timing in self.timings]
        joules = [reading for reading in readings if reading is not None]
        return fmean(joules) if len(joules) == len(readings) else None

    @cached_property
    def _weights(self) -> dict[int, list[float]]:
        """Of the processes, by batch size."""
        batches = set.intersection(*(set(timing.samples) for timing in self.timings))
        return {
            batch: process_weights([[*timing.samples[batch].values()] for timing in self.timings])
            for batch in batches
        }

    def savings(self) -> Iterator[tuple[str, Estimate, float]]:
        """Label, saving and dense latency (ms) of what every process timed beside dense."""
        for batch in set.intersection(*(set(timing.samples) for timing in self.timings)):
            if self.failure(batch, DENSE) or self.failure(batch, COPY):
                continue
            dense = self.latency(batch, DENSE).value
            for label in self.timings[0].samples[batch]:
                if label != DENSE and not self.failure(batch, label):
                    yield label, self.saving(batch, label), dense


def is_disturbed(timings: Sequence[ProcessTiming]) -> bool:
    """Whether a hidden copy of dense surely differs by more than placement explains, at any batch."""
    return any(
        (saved.low > 0.0 or saved.high < 0.0) and abs(saved.value) > DISTURBED_FRACTION * dense
        for label, saved, dense in TimingResults(timings=tuple(timings)).savings()
        if label == COPY
    )


def raw_samples(results: TimingResults) -> bytes:
    """All samples as a compressed NumPy archive: `batch/label/process` to milliseconds by round."""
    arrays = {
        f"{batch}/{label}/{process}": np.asarray(times)
        for process, timing in enumerate(results.timings)
        for batch, by_label in timing.samples.items()
        for label, times in by_label.items()
    }
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
    return content.getvalue()
