"""What became of one sparsity level of a trial, kept as a record beside the artifacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.storage.keys import level_key

if TYPE_CHECKING:
    from harness.storage.artifacts import ArtifactStore
    from harness.storage.row import Status
    from harness.trials.spec import Trial


@dataclass(frozen=True, kw_only=True)
class LevelResult:
    """What became of one sparsity level; `snapshot` is the artifact key of its model."""

    sparsity: float
    status: Status
    reason: str = ""
    snapshot: str = ""
    sparsity_reached: float | None = None
    target_reached: float | None = None
    epochs: float = 0.0
    train_seconds: float = 0.0
    score_seconds: float = 0.0
    evidence: str = ""
    reduction: str = ""
    layers_at_one: int = 0
    excluded: str = ""


def level_result(trial: Trial, sparsity: float, store: ArtifactStore) -> LevelResult | None:
    """The record of a level, however it ended; None where it never did or its model is gone."""
    record = store.record(level_key(trial.key, sparsity))
    level = LevelResult(**record) if record else None
    return level if level and (level.status != "ok" or level.snapshot in store) else None


def finished_level_result(trial: Trial, sparsity: float, store: ArtifactStore) -> LevelResult | None:
    """The record of a level that went well or cannot be; a failure is never served again."""
    level = level_result(trial, sparsity, store)
    return level if level and level.status != "failed" else None
