"""Where in dense training a round goes back to, and the learning rate that it goes on with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.training import Rate

if TYPE_CHECKING:
    from harness.contracts import Place, Round
    from harness.recipe import Recipe


def place_of(place: Place, *, epochs: float, recipe: Recipe) -> float:
    """A fraction of dense training, for a round that trains for so many epochs."""
    if place != "budget":
        return place
    return max(0.0, 1.0 - epochs / recipe.dense_epochs) if recipe.dense_epochs else 0.0


def rate_of(turn: Round | None, *, epochs: float, recipe: Recipe) -> Rate:
    """Fine-tuning's own curve, or the rest of dense training's, drawn out over the epochs there are."""
    if turn is None or turn.rate is None:
        return Rate(peak=recipe.finetune_lr)
    return Rate(peak=recipe.dense_lr, first=place_of(turn.rate, epochs=epochs, recipe=recipe))
