"""Learning-rate curves, and the place in dense training that a round goes back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.contracts.schedules import Place, Round
    from harness.training.recipe import Recipe


def training_fraction(place: Place, *, epochs: float, recipe: Recipe) -> float:
    """Training fraction: how much of dense training a place is, for a round of so many epochs."""
    if place != "budget":
        return place
    return max(0.0, 1.0 - epochs / recipe.dense_epochs) if recipe.dense_epochs else 0.0


def rate_of(round_: Round | None, *, epochs: float, recipe: Recipe) -> Rate:
    """Learning rate of a round: fine-tuning's curve, or the rest of dense training's, stretched."""
    if round_ is None or round_.rate is None:
        return Rate(peak=recipe.finetune_lr)
    return Rate(
        peak=recipe.dense_lr, first=training_fraction(round_.rate, epochs=epochs, recipe=recipe)
    )


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Learning-rate curve, from `first` to `last` (fractions of its length).

    A linear warm-up over the first tenth to `peak`, then a cosine to zero.
    """

    peak: float
    first: float = 0.0
    last: float = 1.0


def curve_steps(rate: Rate, steps: float) -> tuple[int, int, int]:
    """Steps of a curve: where training begins and ends, and how many the whole curve has."""
    if steps == 0:
        return 0, 0, 0
    # Dividing may leave a half a bit below itself, and the whole would have been rounded another way.
    whole = round(round(steps / (rate.last - rate.first), 6))
    return round(rate.first * whole), round(rate.last * whole), whole
