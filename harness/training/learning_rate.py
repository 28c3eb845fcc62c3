"""Where in dense training a round goes back to, and the learning rate that it goes on with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.contracts.schedules import Place, Round
    from harness.training.recipe import Recipe


def training_fraction(place: Place, *, epochs: float, recipe: Recipe) -> float:
    """A fraction of dense training, for a round that trains for so many epochs."""
    if place != "budget":
        return place
    return max(0.0, 1.0 - epochs / recipe.dense_epochs) if recipe.dense_epochs else 0.0


def rate_of(round_: Round | None, *, epochs: float, recipe: Recipe) -> Rate:
    """Fine-tuning's own curve, or the rest of dense training's, drawn out over the epochs there are."""
    if round_ is None or round_.rate is None:
        return Rate(peak=recipe.finetune_lr)
    return Rate(
        peak=recipe.dense_lr, first=training_fraction(round_.rate, epochs=epochs, recipe=recipe)
    )


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A learning-rate curve, or the part of one from `first` to `last` (fractions of its length).

    A linear warm-up over the first tenth to `peak`, then a cosine to zero.
    """

    peak: float
    first: float = 0.0
    last: float = 1.0


def curve_steps(rate: Rate, steps: float) -> tuple[int, int, int]:
    """Where on its curve training begins and ends, and how long the whole curve would be."""
    if steps == 0:
        return 0, 0, 0
    # Dividing may leave a half a bit below itself, and the whole would have been rounded another way.
    whole = round(round(steps / (rate.last - rate.first), 6))
    return round(rate.first * whole), round(rate.last * whole), whole
