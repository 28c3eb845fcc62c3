"""Putting a row together from what was asked for, the snapshot, the timing and the machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.contracts import Bounded
from harness.estimates import deviation, percentile
from harness.measurement import COPY, DENSE
from harness.row import NO_METER, Row, speedup_realised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.contracts import Backend, Meter
    from harness.footprint import Footprint
    from harness.grid import Cell
    from harness.inspection import Inspected
    from harness.level import Level
    from harness.row import Status
    from harness.sessions import Measured
    from harness.snapshot import Snapshot


def empty_row(cell: Cell, status: Status, reason: str, machine: Mapping[str, Any]) -> Row:
    """The row of a cell that could not run: what was asked for, and why not."""
    return Row(
        **cell.settings,
        **machine,
        key=cell.key,
        status=status,
        reason=reason,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a snapshot and its dense model apart from time, on one backend."""

    level: Level
    snapshot: Snapshot
    dense: Snapshot
    taken: Footprint
    own: Inspected
    dense_own: Inspected

    @property
    def top1(self) -> tuple[float, float]:
        """Accuracy of both that counts: the backend's own where it is known."""
        if self.own.top1 is None or self.dense_own.top1 is None:
            return self.snapshot.top1, self.dense.top1
        return self.own.top1, self.dense_own.top1


def measured_row(
    cell: Cell, known: Known, *, times: Mapping[str, Any], machine: Mapping[str, Any]
) -> Row:
    """The row of a snapshot that was timed or simulated beside dense."""
    top1, dense_top1 = known.top1
    retained = top1 / dense_top1 if dense_top1 else None
    counts = times["saves_time"] and retained is not None
    size = _size(known.snapshot, known.dense)
    return Row(
        **cell.settings,
        **machine,
        **_accuracy(known),
        **size,
        **asdict(known.taken),
        **_spent(known.level),
        **times,
        retained_per_ms_saved=retained / times["ms_saved"] if counts else None,
        speedup_realised=speedup_realised({**size, **times}),
        key=cell.key,
        status="ok",
        retained=retained,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def least_milliseconds(cell: Cell, macs: int) -> float:
    """What the device needs for a batch at its peak; 0 where the backend does not tell its peak."""
    if not isinstance(cell.backend, Bounded):
        return 0.0
    return 1000.0 * macs * cell.batch / cell.backend.peak_macs(cell.settings["threads"])


def _accuracy(known: Known) -> dict[str, Any]:
    snapshot, dense, own, dense_own = known.snapshot, known.dense, known.own, known.dense_own
    return {
        "top1": snapshot.top1,
        "top5": snapshot.top5,
        "dense_top1": dense.top1,
        "top1_backend": own.top1,
        "dense_top1_backend": dense_own.top1,
        "images": snapshot.images,
        "correct": own.correct or snapshot.correct,
        "dense_correct": dense_own.correct or dense.correct,
    }


def _size(snapshot: Snapshot, dense: Snapshot) -> dict[str, Any]:
    return {
        "params": snapshot.params,
        "params_nonzero": snapshot.params_nonzero,
        "dense_params": dense.params,
        "macs": snapshot.macs,
        "dense_macs": dense.macs,
        "size_mb": snapshot.size_mb,
        "compressed_mb": snapshot.compressed_mb,
    }


def _spent(level: Level) -> dict[str, Any]:
    return {
        "sparsity_reached": level.sparsity_reached,
        "target_reached": level.target_reached,
        "epochs": level.epochs,
        "train_seconds": level.train_seconds,
        "score_seconds": level.score_seconds,
        "evidence": level.evidence,
        "reduction": level.reduction,
        "layers_at_one": level.layers_at_one,
        "excluded": level.excluded,
    }


def timed_columns(measured: Measured, label: str, *, batch: int, dense: str = DENSE) -> dict[str, Any]:
    """The columns that samples say, by name: `label`'s latency, and what it saves against `dense`."""
    own = measured.samples(batch, label)
    copy, saved = measured.saving(batch, COPY), measured.saving(batch, label, dense=dense)
    latency = measured.latency(batch, label)
    noise = max(abs(copy.low), abs(copy.high))
    pooled = [time for process in own for time in process]
    return {
        "latency_ms": latency.value,
        "latency_low_ms": latency.low,
        "latency_high_ms": latency.high,
        "latency_mad_ms": deviation(own),
        "latency_p90_ms": percentile(pooled, 0.90),
        "latency_p99_ms": percentile(pooled, 0.99),
        "dense_latency_ms": measured.latency(batch, dense).value,
        "fps": 1000.0 * batch / latency.value,
        "ms_saved": saved.value,
        "ms_saved_low": saved.low,
        "ms_saved_high": saved.high,
        "ms_saved_error": saved.error,
        "noise_ms": noise,
        "saves_time": measured.steady and saved.low > 0.0 and saved.value > noise,
        "rounds": len(pooled),
    }


def session_columns(measured: Measured, label: str) -> dict[str, Any]:
    """The columns that tell how a session's processes went."""
    timings = measured.timings
    worst = max(timings, key=lambda timing: timing.conditions.others_cores or 0.0).conditions
    return {
        "processes": len(timings),
        "stopped": measured.stopped,
        "steady": measured.steady,
        "load_ms": fmean(timing.load_ms[label] for timing in timings),
        "first_ms": fmean(timing.first_ms[label] for timing in timings),
        "deviation": max(timing.deviations[label] for timing in timings),
        "timing_seconds": sum(timing.seconds for timing in timings),
        **asdict(worst),
    }


def energy_columns(
    measured: Measured, label: str, *, batch: int, meter: Meter | None, backend: Backend
) -> dict[str, Any]:
    """The columns that a meter says, or why none does."""
    if meter is None:
        return {"energy_reason": NO_METER}
    if not meter.meters(backend):
        return {"energy_reason": f"{meter.name} cannot tell of this device"}
    found, dense = (measured.joules(batch, name) for name in (label, DENSE))
    if found is None or dense is None:
        return {"energy_reason": f"{meter.name} told nothing"}
    return {
        "energy_j": found,
        "dense_energy_j": dense,
        "energy_source": f"{meter.source}:{meter.name}",
    }


def simulated_columns(cell: Cell, known: Known) -> dict[str, Any]:
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
