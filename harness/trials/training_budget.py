"""Training budget of a trial: whether its method has the steps in which it acts.

What did not act is its starting point under another name, and is not ranked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.pruners import Penalises

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contracts.data import Dataset
    from harness.contracts.pruners import Pruner
    from harness.contracts.schedules import Round
    from harness.training.recipe import Recipe

LEAST_MASK_MOVES = 10
"""Of dynamic sparse training: Evci 2020 moves masks some hundreds of times."""


def round_epochs(round_: Round, recipe: Recipe) -> float:
    """Epochs of plain training in a round: its share of fine-tuning, and of dense training."""
    return round_.share * recipe.finetune_epochs + round_.dense_share * recipe.dense_epochs


@dataclass(frozen=True, kw_only=True)
class TrainingBudget:
    """Training budget of a criterion on a schedule, called by its name.

    `from_weights` says that dense training starts from weights that were trained elsewhere.
    """

    pruner: Pruner
    schedule: str
    dataset: Dataset
    recipe: Recipe
    penalty_epochs: float
    from_weights: bool = False

    @property
    def steps_per_epoch(self) -> int:
        """Steps (updates) per epoch."""
        from harness.training.sampling import steps_per_epoch

        return steps_per_epoch(self.dataset, self.recipe)


def idle_reason(budget: TrainingBudget, rounds: Sequence[Round]) -> str | None:
    """Idle reason: why a method would not act in the epochs that it has, with the way out."""
    checks = _short_penalty, _short_ticket, _outspent_redraw, _few_moves
    reasons = (check(budget, round_) for round_ in rounds for check in checks)
    return next((reason for reason in reasons if reason), None)


def _short_penalty(budget: TrainingBudget, round_: Round) -> str | None:
    """Penalties pull by small steps: in few of them, what is chosen is what was there before."""
    pruner = budget.pruner
    if not isinstance(pruner, Penalises):
        return None
    per_epoch = budget.steps_per_epoch
    steps = round(budget.penalty_epochs * round_.share * per_epoch)
    if steps >= pruner.least_steps:
        return None
    enough = -(-pruner.least_steps // (per_epoch * round_.share))
    return (
        f"{pruner.name} acts from about {pruner.least_steps} steps of training with its penalty on, "
        f"and has {steps}: --penalty-epochs {enough:g} gives them"
    )


def _short_ticket(budget: TrainingBudget, round_: Round) -> str | None:
    epochs = round_epochs(round_, budget.recipe)
    if (round_.rewind is None and not round_.redraw) or epochs >= 1.0:
        return None
    reason = f"{budget.schedule} trains what it sets back for {epochs:.2g} epochs a round, not for one"
    missing = 1.0 - round_.dense_share * budget.recipe.dense_epochs
    more = f": --finetune-epochs {missing / round_.share:.3g} gives it" if round_.share else ""
    return reason + more


def _outspent_redraw(budget: TrainingBudget, round_: Round) -> str | None:
    """New weights cannot be held against weights whose training was longer than any here."""
    if not (round_.redraw and budget.from_weights):
        return None
    return (
        f"{budget.schedule} draws new weights, and the dense model starts from trained ones, whose "
        "epochs none here can match: let dense training start fresh"
    )


def _few_moves(budget: TrainingBudget, round_: Round) -> str | None:
    rule = round_.regrowth
    if rule is None:
        return None
    steps = round(round_epochs(round_, budget.recipe) * budget.steps_per_epoch)
    moves = max(0, -(-int(steps * rule.until) // rule.every) - 1)
    if moves >= LEAST_MASK_MOVES:
        return None
    fitting = max(1, int(steps * rule.until) // (LEAST_MASK_MOVES + 1))
    return (
        f"{budget.schedule} moves its masks {moves} times in {steps} steps, which takes at least "
        f"{LEAST_MASK_MOVES}: move them every {fitting} steps, or train longer by --dense-epochs"
    )
