"""Putting a row together from what was asked for, the snapshot, the timing and the machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.contracts.backends import Bounded
from harness.storage.row import Row, speedup_realised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.measuring.backend_evaluation import BackendEvaluation
    from harness.storage.row import Status
    from harness.trials.deployed_size import DeployedSize
    from harness.trials.grid import Cell
    from harness.trials.level_result import LevelResult
    from harness.trials.snapshot import Snapshot


def empty_row(cell: Cell, status: Status, reason: str) -> Row:
    """The row of a cell that could not run: what was asked for, and why not."""
    return Row(
        **cell.settings,
        **cell.device.machine,
        key=cell.key,
        status=status,
        reason=reason,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


@dataclass(frozen=True, kw_only=True)
class KnownFacts:
    """What is known of a snapshot and its dense model apart from time, on one backend."""

    level: LevelResult
    snapshot: Snapshot
    dense: Snapshot
    taken: DeployedSize
    own: BackendEvaluation
    dense_own: BackendEvaluation

    @property
    def top1(self) -> tuple[float, float]:
        """Accuracy of both that counts: the backend's own where it is known."""
        if self.own.top1 is None or self.dense_own.top1 is None:
            return self.snapshot.top1, self.dense.top1
        return self.own.top1, self.dense_own.top1


def complete_row(cell: Cell, known: KnownFacts, *, times: Mapping[str, Any]) -> Row:
    """The row of a snapshot that was timed or simulated beside dense."""
    top1, dense_top1 = known.top1
    retained = top1 / dense_top1 if dense_top1 else None
    counts = times["saves_time"] and retained is not None
    size = _size(known.snapshot, known.dense)
    return Row(
        **cell.settings,
        **cell.device.machine,
        **_accuracy(known),
        **size,
        **asdict(known.taken),
        **asdict(known.level.facts),
        sparsity_reached=known.level.sparsity_reached,
        target_reached=known.level.target_reached,
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


def _accuracy(known: KnownFacts) -> dict[str, Any]:
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
