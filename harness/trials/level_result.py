"""Level result: how one sparsity level of a trial ended, recorded beside the artifacts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from msgspec.json import Decoder

from harness.contracts.number_ranges import Fraction, FractionGone  # noqa: TC001 -- read by msgspec
from harness.storage.keys import level_key
from harness.storage.row import Status  # noqa: TC001 -- read by msgspec
from harness.trials._model_state import PruningFacts

if TYPE_CHECKING:
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.rival import Rival
    from harness.trials.spec import Trial


@dataclass(frozen=True, kw_only=True)
class LevelResult:
    """Level result: how a level ended; `snapshot` is the artifact key of its model."""

    sparsity: Fraction
    status: Status
    reason: str = ""
    snapshot: str = ""
    sparsity_reached: FractionGone | None = None
    target_reached: FractionGone | None = None
    facts: PruningFacts = PruningFacts()


def keep_level_result(result: LevelResult, trial: Trial | Rival, store: ArtifactStore) -> None:
    """Write a level result, its facts beside the rest as every release has written them."""
    record = asdict(result)
    store.write_record(level_key(trial.key, result.sparsity), record | record.pop("facts"))


def level_result(trial: Trial | Rival, sparsity: float, store: ArtifactStore) -> LevelResult | None:
    """Level result, however it ended; None where there is none or its model is gone."""
    result = store.record(level_key(trial.key, sparsity), read_level_result)
    return result if result and (result.status != "ok" or result.snapshot in store) else None


def finished_level_result(
    trial: Trial | Rival, sparsity: float, store: ArtifactStore
) -> LevelResult | None:
    """Level result that went well or cannot be; a failure is never served again."""
    result = level_result(trial, sparsity, store)
    return result if result and result.status != "failed" else None


def read_level_result(record: bytes) -> LevelResult:
    """Level result of a record's JSON. Raises ValueError where it is none."""
    return replace(Decoder(LevelResult).decode(record), facts=Decoder(PruningFacts).decode(record))
