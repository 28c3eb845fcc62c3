"""Rows put together from what was asked for, the snapshot, its times and the machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.contracts.backends import Bounded, OnDevice, Simulates, cpu_peak_macs
from harness.errors import DamagedError
from harness.measuring.deployed_size import DeployedSizes
from harness.measuring.row_columns import (
    SHARED_COLUMNS,
    energy_columns,
    session_columns,
    session_deviation,
    simulated_columns,
    timed_columns,
)
from harness.measuring.timing_results import COPY, DENSE
from harness.storage.row import Row, speedup_realised
from harness.storage.row_line import row_problem
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.contracts.meters import Meter
    from harness.engines.engine import Outcome
    from harness.measuring.backend_evaluation import BackendEvaluation, BackendEvaluations
    from harness.measuring.deployed_size import DeployedSize
    from harness.measuring.timing_results import TimingResults
    from harness.measuring.timing_session import ReadyCell, TimingItem, TimingSession
    from harness.planning.grid import Cell
    from harness.storage.artifacts import ArtifactStore
    from harness.storage.row import Status
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


class RowBuilder:
    """Makes rows of snapshots in `store`.

    `evaluations` are those of backends that do more than time, `meter` is what told the energy.
    """

    def __init__(
        self, store: ArtifactStore, *, evaluations: BackendEvaluations, meter: Meter | None
    ) -> None:
        self._store = store
        self._deployed_sizes = DeployedSizes(store)
        self._evaluations = evaluations
        self._meter = meter

    def simulated(self, cell: Cell, level: LevelResult) -> Row:
        """The row of what a simulator says."""
        try:
            facts = self._facts(cell, level)
        except DamagedError as error:
            return empty_row(cell, "failed", str(error))
        times = simulated_columns(cell, facts.evaluation, facts.dense_evaluation)
        return _sound_row(cell, _complete_row(cell, facts, times=times))

    def timed(
        self,
        item: TimingItem[ReadyCell],
        session: TimingSession[ReadyCell],
        outcome: Outcome[TimingResults],
        *,
        archive: str,
    ) -> Row:
        """The row of what a session measured for an item, or of why it came to no end."""
        (cell, level), label = item.origin, item.labels[0] if item.labels else DENSE
        if outcome.value is None:
            return empty_row(cell, "failed", outcome.failure)
        reason = outcome.value.failure(cell.batch, label)
        if reason:
            return empty_row(cell, "failed", reason)
        times = self._times(cell, outcome.value, label, session.twins)
        own = session.job.snapshots[label] == self._store.folder(level.snapshot)
        off = session_deviation(outcome.value, label) if own else self._deviation(cell, level)
        return self._row_of(cell, level, {**times, "samples": archive, "deviation": off})

    def shared(self, cell: Cell, level: LevelResult, row: Mapping[str, Any]) -> Row:
        """The row of a model whose architecture has a time already, in another row."""
        times = {name: row[name] for name in SHARED_COLUMNS}
        return self._row_of(cell, level, {**times, "deviation": self._deviation(cell, level)})

    def _row_of(self, cell: Cell, level: LevelResult, times: Mapping[str, Any]) -> Row:
        try:
            facts = self._facts(cell, level)
        except DamagedError as error:
            return empty_row(cell, "failed", str(error))
        floor = least_milliseconds(cell, facts.snapshot.macs)
        if times["latency_ms"] < floor:
            latency = f"{times['latency_ms']:.3g} ms"
            return empty_row(
                cell, "failed", f"{latency} is less than the {floor:.3g} ms that the device needs"
            )
        return _sound_row(cell, _complete_row(cell, facts, times=times))

    def _deviation(self, cell: Cell, level: LevelResult) -> float | None:
        """How far outputs are from PyTorch's, of a model that is not timed itself."""
        evaluated = self._evaluations.of(level.snapshot, cell.backend).deviation
        record = self._deployed_sizes.export_record(level.snapshot, cell.backend)
        return evaluated if evaluated is not None or record is None else record.deviation

    def _times(
        self, cell: Cell, results: TimingResults, label: str, twins: Mapping[str, str]
    ) -> dict[str, Any]:
        # Dense's own row compares it with a copy of itself, so that it shows a saving of nothing; so
        # do those of models of its architecture, whatever their weights.
        shown, batch = COPY if label == DENSE else label, cell.batch
        return (
            timed_columns(results, shown, batch=batch, twins=twins)
            | session_columns(results, shown)
            | energy_columns(results, shown, batch=batch, meter=self._meter, backend=cell.backend)
        )

    def _facts(self, cell: Cell, level: LevelResult) -> _SnapshotFacts:
        return _SnapshotFacts(
            level=level,
            snapshot=read_facts(self._store.folder(level.snapshot)),
            dense=read_facts(self._store.folder(cell.dense.key)),
            deployed_size=self._deployed_sizes.of(cell, level),
            evaluation=self._evaluations.of(level.snapshot, cell.backend),
            dense_evaluation=self._evaluations.of(cell.dense.key, cell.backend),
        )


@dataclass(frozen=True, kw_only=True)
class _SnapshotFacts:
    """A snapshot beside its dense model apart from time, on one backend."""

    level: LevelResult
    snapshot: Snapshot
    dense: Snapshot
    deployed_size: DeployedSize
    evaluation: BackendEvaluation
    dense_evaluation: BackendEvaluation

    @property
    def top1(self) -> tuple[float, float]:
        """Accuracy of both that counts: the backend's own where there is one."""
        if self.evaluation.top1 is None or self.dense_evaluation.top1 is None:
            return self.snapshot.top1, self.dense.top1
        return self.evaluation.top1, self.dense_evaluation.top1


def _complete_row(cell: Cell, facts: _SnapshotFacts, *, times: Mapping[str, Any]) -> Row:
    """The row of a snapshot that was timed or simulated beside dense."""
    top1, dense_top1 = facts.top1
    retained = top1 / dense_top1 if dense_top1 else None
    counts = times["saves_time"] and retained is not None
    size = _size(facts.snapshot, facts.dense)
    return Row(
        **cell.settings,
        **cell.device.machine,
        **_accuracy(facts),
        **size,
        **asdict(facts.deployed_size),
        **asdict(facts.level.facts),
        sparsity_reached=facts.level.sparsity_reached,
        target_reached=facts.level.target_reached,
        **times,
        retained_per_ms_saved=retained / times["ms_saved"] if counts else None,
        speedup_realised=speedup_realised({**size, **times}),
        key=cell.key,
        status="ok",
        retained=retained,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _sound_row(cell: Cell, row: Row) -> Row:
    """The row where its numbers fit each other, else one that says which do not."""
    problem = row_problem(vars(row))
    return row if problem is None else empty_row(cell, "failed", problem)


def least_milliseconds(cell: Cell, macs: int) -> float:
    """What the device needs for a batch at its peak: any processor's where it does not tell its own.

    0 for accelerators that do not tell, whose peak no processor's bounds.
    """
    backend, threads = cell.backend, cell.settings["threads"]
    if isinstance(backend, Bounded):
        peak = backend.peak_macs(threads)
    elif isinstance(backend, OnDevice | Simulates):
        return 0.0
    else:
        peak = cpu_peak_macs(threads)
    return 1000.0 * macs * cell.batch / peak


def _accuracy(facts: _SnapshotFacts) -> dict[str, Any]:
    snapshot, dense = facts.snapshot, facts.dense
    own, dense_own = facts.evaluation, facts.dense_evaluation
    return {
        "top1": snapshot.top1,
        "top5": snapshot.top5,
        "chance": snapshot.chance,
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
