"""Putting a row together from what was asked for, the snapshot, the timing and the machine."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

from harness.measurement import DENSE, copy_label
from harness.row import Row
from harness.stopwatch import median, saving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.grid import Cell
    from harness.level import Level
    from harness.measurement import Timing
    from harness.row import Status
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


def measured_row(
    cell: Cell,
    level: Level,
    *,
    snapshot: Snapshot,
    dense: Snapshot,
    timing: Timing,
    label: str,
    noise: float,
    machine: Mapping[str, Any],
) -> Row:
    """The row of a snapshot that was timed under `label` beside dense.

    `noise` is the fraction of dense latency below which this machine cannot tell a saving.
    """
    retained = snapshot.top1 / dense.top1 if dense.top1 else None
    times = _time(timing.samples[cell.batch], label, batch=cell.batch, noise=noise)
    counts = times["saves_time"] and retained is not None
    return Row(
        **cell.settings,
        **machine,
        **_accuracy(snapshot, dense),
        **_size(snapshot, dense),
        **_spent(level),
        **times,
        retained_per_ms_saved=retained / times["ms_saved"] if counts else None,
        key=cell.key,
        status="ok",
        retained=retained,
        deviation=timing.deviations.get(label),
        timing_seconds=timing.seconds,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _accuracy(snapshot: Snapshot, dense: Snapshot) -> dict[str, Any]:
    return {
        "top1": snapshot.top1,
        "top5": snapshot.top5,
        "dense_top1": dense.top1,
        "images": snapshot.images,
        "correct": snapshot.correct,
        "dense_correct": dense.correct,
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
        "epochs": level.epochs,
        "train_seconds": level.train_seconds,
        "score_seconds": level.score_seconds,
        "evidence": level.evidence,
        "reduction": level.reduction,
        "layers_at_one": level.layers_at_one,
        "excluded": level.excluded,
    }


def noise_fraction(samples: Mapping[str, list[float]], copies: int) -> float:
    """The most by which any two copies of dense differ, over dense latency."""
    labels = [DENSE, *map(copy_label, range(copies))]
    savings = [saving(samples[one], samples[two]).value for one, two in combinations(labels, 2)]
    return max(map(abs, savings)) / median(samples[DENSE]).value


def _time(
    samples: Mapping[str, list[float]], label: str, *, batch: int, noise: float
) -> dict[str, Any]:
    own, dense = samples[label], samples[DENSE]
    latency, saved, before = median(own), saving(dense, own), median(dense)
    return {
        "latency_ms": latency.value,
        "latency_low_ms": latency.low,
        "latency_high_ms": latency.high,
        "dense_latency_ms": before.value,
        "fps": 1000.0 * batch / latency.value,
        "ms_saved": saved.value,
        "ms_saved_low": saved.low,
        "ms_saved_high": saved.high,
        "ms_saved_error": saved.error,
        "noise_ms": noise * before.value,
        "saves_time": saved.low > 0.0 and saved.value > noise * before.value,
        "rounds": len(own),
    }
