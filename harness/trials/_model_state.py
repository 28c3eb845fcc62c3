"""Model state: a model on its way through a trial, with the record of what was done to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.contracts.number_ranges import Amount, Count  # noqa: TC001 -- read by msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from torch import Tensor, nn

    from harness.networks.surgery import History


@dataclass(frozen=True, kw_only=True)
class PruningFacts:
    """Pruning facts, columns of a row: what pruning cost, what it looked at, and what it spared.

    A fact that is added here is a column of every row, and is written nowhere else.
    """

    epochs: Amount = 0.0
    train_seconds: Amount = 0.0
    score_seconds: Amount = 0.0
    evidence: str = ""
    reduction: str = ""
    layers_at_floor: Count = 0
    excluded: str = ""
    search: str = ""

    def with_evidence(self, touched: Collection[str], *, seconds: float) -> PruningFacts:
        """Facts after a scoring that looked at so much of the evidence, for so long."""
        evidence = {*self.evidence.split(","), *touched} - {""}
        return replace(
            self,
            evidence=",".join(sorted(evidence)),
            score_seconds=self.score_seconds + seconds,
        )

    def with_search(self, steps: Sequence[tuple[float, float | None]]) -> PruningFacts:
        """Facts after a search on a clock, its steps after those of earlier rounds."""
        words = [f"{sparsity:.4g}:{'-' if left is None else f'{left:.3g}'}" for sparsity, left in steps]
        return replace(self, search=" ".join([*self.search.split(), *words]))

    def with_training(self, *, epochs: float, seconds: float) -> PruningFacts:
        """Facts after so much more training."""
        return replace(self, epochs=self.epochs + epochs, train_seconds=self.train_seconds + seconds)


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """Model state: a model, what was cut from it, and what that took; the key names its snapshot."""

    key: str
    model: nn.Module = field(repr=False)
    history: History = field(default_factory=list)
    masks: dict[str, Tensor] = field(default_factory=dict, repr=False)
    facts: PruningFacts = PruningFacts()

    def trained(self, key: str, model: nn.Module, *, epochs: float, seconds: float) -> ModelState:
        """State with the trained model, and what training it took."""
        facts = self.facts.with_training(epochs=epochs, seconds=seconds)
        return replace(self, key=key, model=model, facts=facts)
