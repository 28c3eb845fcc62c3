"""Level result: how one sparsity level of a trial ended, recorded beside the artifacts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from harness.storage.keys import level_key
from harness.trials._model_state import PruningFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.storage.artifacts import ArtifactStore
    from harness.storage.row import Status
    from harness.trials.rival import Rival
    from harness.trials.spec import Trial


@dataclass(frozen=True, kw_only=True)
class LevelResult:
    """Level result: how a level ended; `snapshot` is the artifact key of its model."""

    sparsity: float
    status: Status
    reason: str = ""
    snapshot: str = ""
    sparsity_reached: float | None = None
    target_reached: float | None = None
    facts: PruningFacts = PruningFacts()


def keep_level_result(result: LevelResult, trial: Trial | Rival, store: ArtifactStore) -> None:
    """Write a level result, its facts beside the rest as every release has written them."""
    record = asdict(result)
    store.write_record(level_key(trial.key, result.sparsity), record | record.pop("facts"))


def level_result(trial: Trial | Rival, sparsity: float, store: ArtifactStore) -> LevelResult | None:
    """Level result, however it ended; None where there is none or its model is gone."""
    record = store.record(level_key(trial.key, sparsity))
    result = _result(record) if record else None
    return result if result and (result.status != "ok" or result.snapshot in store) else None


def finished_level_result(
    trial: Trial | Rival, sparsity: float, store: ArtifactStore
) -> LevelResult | None:
    """Level result that went well or cannot be; a failure is never served again."""
    result = level_result(trial, sparsity, store)
    return result if result and result.status != "failed" else None


def _result(record: Mapping[str, Any]) -> LevelResult:
    names = {field.name for field in fields(PruningFacts)}
    facts = PruningFacts(**{name: record[name] for name in names & record.keys()})
    return LevelResult(
        **{name: value for name, value in record.items() if name not in names}, facts=facts
    )
