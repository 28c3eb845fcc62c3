"""A model on its way through a trial."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.pruning.removal import Removal
    from harness.pruning.scoring import Scoring
    from harness.pruning.surgery import History


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """A model with what it has cost and how it was chosen; its snapshot is kept under the key."""

    key: str
    model: nn.Module = field(repr=False)
    history: History = field(default_factory=list)
    masks: dict[str, Tensor] = field(default_factory=dict, repr=False)
    epochs: float = 0.0
    train_seconds: float = 0.0
    score_seconds: float = 0.0
    evidence: str = ""
    reduction: str = ""
    layers_at_one: int = 0
    excluded: str = ""

    def scored(self, scoring: Scoring, *, seconds: float) -> ModelState:
        """With what a scoring looked at, and how long it took."""
        touched = {*self.evidence.split(","), *scoring.evidence.touched} - {""}
        return replace(
            self,
            evidence=",".join(sorted(touched)),
            score_seconds=self.score_seconds + seconds,
        )

    def trained(self, key: str, model: nn.Module, *, epochs: float, seconds: float) -> ModelState:
        """With another model, and what training it took."""
        return replace(
            self,
            key=key,
            model=model,
            epochs=self.epochs + epochs,
            train_seconds=self.train_seconds + seconds,
        )

    def pruned(self, removal: Removal) -> ModelState:
        """With what left, and how that was chosen."""
        return replace(
            self,
            history=self.history + removal.cut,
            masks=removal.masks,
            reduction=removal.reduction,
            layers_at_one=removal.layers_at_one,
            excluded=removal.excluded,
        )
