"""The columns of a row that say how fast and at what energy: from samples, a meter or a simulator."""

from __future__ import annotations

from dataclasses import asdict
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.measuring.timing_results import COPY, DENSE
from harness.ranking.intervals import median_absolute_deviation, percentile
from harness.storage.row import NO_METER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.contracts.backends import Backend
    from harness.contracts.meters import Meter
    from harness.measuring.backend_evaluation import BackendEvaluation
    from harness.measuring.timing_results import TimingResults
    from harness.planning.grid import Cell


SHARED_COLUMNS = (
    "latency_ms", "latency_low_ms", "latency_high_ms", "latency_mad_ms", "latency_p90_ms",
    "latency_p99_ms", "dense_latency_ms", "fps", "ms_saved", "ms_saved_low", "ms_saved_high",
    "ms_saved_error", "noise_ms", "twin_ms", "saves_time", "rounds", "processes", "stopped", "steady",
    "load_ms", "first_ms", "timing_seconds", "governor", "turbo", "load_average", "temperature_c",
    "steal", "others_cores", "energy_j", "dense_energy_j", "energy_source", "energy_reason", "samples",
)  # fmt: skip
"""Columns that the rows of one architecture share, whichever of its models was timed."""


def timed_columns(
    results: TimingResults,
    label: str,
    *,
    batch: int,
    dense: str = DENSE,
    twins: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The columns that samples say, by name: `label`'s latency, and what it saves against `dense`.

    `twins` map labels to those of the same architecture: what they differ by is noise as a copy's is.
    """
    own = results.samples(batch, label)
    copy, saved = results.saving(batch, COPY), results.saving(batch, label, dense=dense)
    latency = results.latency(batch, label)
    noise, twin = max(abs(copy.low), abs(copy.high)), _largest_difference(results, batch, twins or {})
    pooled = [time for process in own for time in process]
    return {
        "latency_ms": latency.value,
        "latency_low_ms": latency.low,
        "latency_high_ms": latency.high,
        "latency_mad_ms": median_absolute_deviation(own),
        "latency_p90_ms": percentile(pooled, 0.90),
        "latency_p99_ms": percentile(pooled, 0.99),
        "dense_latency_ms": results.latency(batch, dense).value,
        "fps": 1000.0 * batch / latency.value,
        "ms_saved": saved.value,
        "ms_saved_low": saved.low,
        "ms_saved_high": saved.high,
        "ms_saved_error": saved.error,
        "noise_ms": noise,
        "twin_ms": twin,
        "saves_time": results.steady and saved.low > 0.0 and saved.value > max(noise, twin or 0.0),
        "rounds": len(pooled),
    }


def _largest_difference(results: TimingResults, batch: int, twins: Mapping[str, str]) -> float | None:
    """Far end of the 95 % intervals of what twins save against their like; None without any."""
    pairs = [pair for pair in twins.items() if not any(results.failure(batch, one) for one in pair)]
    saved = [results.saving(batch, twin, dense=like) for twin, like in pairs]
    return max((max(abs(one.low), abs(one.high)) for one in saved), default=None)


def session_columns(results: TimingResults, label: str) -> dict[str, Any]:
    """The columns that tell how a session's processes went."""
    timings = results.timings
    busiest = max(timings, key=lambda timing: timing.load.others_cores or 0.0)
    return {
        "processes": len(timings),
        "stopped": results.stopped,
        "steady": results.steady,
        "load_ms": fmean(timing.load_ms[label] for timing in timings),
        "first_ms": fmean(timing.first_ms[label] for timing in timings),
        "timing_seconds": sum(timing.seconds for timing in timings),
        **asdict(busiest.load),
    }


def session_deviation(results: TimingResults, label: str) -> float:
    """How far the timed outputs of a model were from PyTorch's, the worst of the processes."""
    return max(timing.deviations[label] for timing in results.timings)


def energy_columns(
    results: TimingResults, label: str, *, batch: int, meter: Meter | None, backend: Backend
) -> dict[str, Any]:
    """The columns that a meter says, or why none does."""
    if meter is None:
        return {"energy_reason": NO_METER}
    if not meter.meters(backend):
        return {"energy_reason": f"{meter.name} cannot tell of this device"}
    own, dense = (results.joules(batch, name) for name in (label, DENSE))
    if own is None or dense is None:
        return {"energy_reason": f"{meter.name} told nothing"}
    return {
        "energy_j": own,
        "dense_energy_j": dense,
        "energy_source": f"{meter.source}:{meter.name}",
    }


def simulated_columns(
    cell: Cell, evaluation: BackendEvaluation, dense_evaluation: BackendEvaluation
) -> dict[str, Any]:
    """The columns that a simulator says, by name: the same at every call, so without intervals."""
    own, dense = (one.simulated[cell.batch] for one in (evaluation, dense_evaluation))
    saved = dense.latency_ms - own.latency_ms
    has_energy = own.energy_j is not None
    return {
        **dict.fromkeys(("latency_ms", "latency_low_ms", "latency_high_ms"), own.latency_ms),
        **dict.fromkeys(("ms_saved", "ms_saved_low", "ms_saved_high"), saved),
        "dense_latency_ms": dense.latency_ms,
        "fps": 1000.0 * cell.batch / own.latency_ms,
        "ms_saved_error": 0.0,
        "noise_ms": 0.0,
        "saves_time": saved > 0.0,
        "deviation": evaluation.deviation,
        "energy_j": own.energy_j,
        "dense_energy_j": dense.energy_j,
        "energy_source": f"simulated:{cell.backend.name}" if has_energy else "",
        "energy_reason": "" if has_energy else "the simulator tells none",
        "cycles": own.cycles,
        "sram_mb": own.sram_mb,
        "flash_mb": own.flash_mb,
        "operators_elsewhere": own.operators_elsewhere,
    }
