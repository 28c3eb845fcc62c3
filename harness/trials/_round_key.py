"""Round keys: under which what a round trains is kept, so that methods that chose alike share it."""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any

from harness.storage.keys import digest, file_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contracts.schedules import Round
    from harness.trials.spec import Trial


def round_key(trial: Trial, chain: Sequence[Any], round_: Round | None = None) -> str:
    """Artifact key of what comes of a round; of its penalised training alone without `round_`.

    `chain` is the key of the model that it starts from, and what is done to that.
    """
    settings = trial.settings
    hashed = [*chain, {name: settings[name] for name in ("finetune_lr", "recipe")}]
    unusual = unusual_settings(round_) if round_ else {}
    words = (settings["model"], settings["dataset"], trial.granularity)
    return file_name("-".join([*words, digest([*hashed, unusual] if unusual else hashed)]))


def unusual_settings(round_: Round) -> dict[str, Any]:
    """Unusual settings of a round, besides pruning and fine-tuning; epochs are in its key already."""
    plain = {field.name: field.default for field in fields(round_) if field.default is not MISSING}
    values = asdict(round_)
    return {
        name: values[name] for name in plain if name != "dense_share" and values[name] != plain[name]
    }
