"""The columns of a row that say how fast and at what energy: from samples, a meter or a simulator."""

from __future__ import annotations

from dataclasses import asdict
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.measuring.timing_process import COPY, DENSE
from harness.ranking.intervals import median_absolute_deviation, percentile
from harness.storage.row import NO_METER

if TYPE_CHECKING:
    from harness.contracts.backends import Backend
    from harness.contracts.meters import Meter
    from harness.measuring.row_builder import KnownFacts
    from harness.measuring.timing_results import TimingResults
    from harness.trials.grid import Cell


def timed_columns(
    results: TimingResults, label: str, *, batch: int, dense: str = DENSE
) -> dict[str, Any]:
    """The columns that samples say, by name: `label`'s latency, and what it saves against `dense`."""
    own = results.samples(batch, label)
    copy, saved = results.saving(batch, COPY), results.saving(batch, label, dense=dense)
    latency = results.latency(batch, label)
    noise = max(abs(copy.low), abs(copy.high))
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
        "saves_time": results.steady and saved.low > 0.0 and saved.value > noise,
        "rounds": len(pooled),
    }


def session_columns(results: TimingResults, label: str) -> dict[str, Any]:
    """The columns that tell how a session's processes went."""
    timings = results.timings
    worst = max(timings, key=lambda timing: timing.conditions.others_cores or 0.0).conditions
    return {
        "processes": len(timings),
        "stopped": results.stopped,
        "steady": results.steady,
        "load_ms": fmean(timing.load_ms[label] for timing in timings),
        "first_ms": fmean(timing.first_ms[label] for timing in timings),
        "deviation": max(timing.deviations[label] for timing in timings),
        "timing_seconds": sum(timing.seconds for timing in timings),
        **asdict(worst),
    }


def energy_columns(
    results: TimingResults, label: str, *, batch: int, meter: Meter | None, backend: Backend
) -> dict[str, Any]:
    """The columns that a meter says, or why none does."""
    if meter is None:
        return {"energy_reason": NO_METER}
    if not meter.meters(backend):
        return {"energy_reason": f"{meter.name} cannot tell of this device"}
    found, dense = (results.joules(batch, name) for name in (label, DENSE))
    if found is None or dense is None:
        return {"energy_reason": f"{meter.name} told nothing"}
    return {
        "energy_j": found,
        "dense_energy_j": dense,
        "energy_source": f"{meter.source}:{meter.name}",
    }


def simulated_columns(cell: Cell, known: KnownFacts) -> dict[str, Any]:
    """The columns that a simulator says, by name: the same at every call, so without intervals."""
    found, dense = known.own.simulated[cell.batch], known.dense_own.simulated[cell.batch]
    saved = dense.latency_ms - found.latency_ms
    told = found.energy_j is not None
    return {
        **dict.fromkeys(("latency_ms", "latency_low_ms", "latency_high_ms"), found.latency_ms),
        **dict.fromkeys(("ms_saved", "ms_saved_low", "ms_saved_high"), saved),
        "dense_latency_ms": dense.latency_ms,
        "fps": 1000.0 * cell.batch / found.latency_ms,
        "ms_saved_error": 0.0,
        "noise_ms": 0.0,
        "saves_time": saved > 0.0,
        "deviation": known.own.deviation,
        "energy_j": found.energy_j,
        "dense_energy_j": dense.energy_j,
        "energy_source": f"simulated:{cell.backend.name}" if told else "",
        "energy_reason": "" if told else "the simulator tells none",
        "cycles": found.cycles,
        "sram_mb": found.sram_mb,
        "flash_mb": found.flash_mb,
        "operators_elsewhere": found.operators_elsewhere,
    }
