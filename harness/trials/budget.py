"""Training budget of a trial: whether its method has the steps in which it acts.

What did not act is its starting point under another name, and is not ranked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.pruners import Penalises

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contracts.schedules import Round
    from harness.trials.spec import Dense, Trial

LEAST_MASK_MOVES = 10
"""Of dynamic sparse training: Evci 2020 moves masks some hundreds of times."""


def round_epochs(round_: Round, dense: Dense) -> float:
    """Epochs of plain training in a round: its share of fine-tuning, and of dense training."""
    recipe = dense.recipe
    return round_.share * recipe.finetune_epochs + round_.dense_share * recipe.dense_epochs


def idle_reason(trial: Trial, rounds: Sequence[Round]) -> str | None:
    """Idle reason: why a trial's method would not act in the epochs that it has, with the way out."""
    checks = _short_penalty, _short_ticket, _few_moves
    reasons = (check(trial, round_) for round_ in rounds for check in checks)
    return next((reason for reason in reasons if reason), None)


def _steps_per_epoch(dense: Dense) -> int:
    from harness.training.sampling import steps_per_epoch

    return steps_per_epoch(dense.dataset, dense.recipe)


def _short_penalty(trial: Trial, round_: Round) -> str | None:
    """Penalties pull by small steps: in few of them, what is chosen is what was there before."""
    pruner = trial.pruner
    if not isinstance(pruner, Penalises):
        return None
    per_epoch = _steps_per_epoch(trial.dense)
    steps = round(trial.penalty_epochs * round_.share * per_epoch)
    if steps >= pruner.least_steps:
        return None
    enough = -(-pruner.least_steps // (per_epoch * round_.share))
    return (
        f"{pruner.name} acts from about {pruner.least_steps} steps of training with its penalty on, "
        f"and has {steps}: --penalty-epochs {enough:g} gives them"
    )


def _short_ticket(trial: Trial, round_: Round) -> str | None:
    epochs = round_epochs(round_, trial.dense)
    if (round_.rewind is None and not round_.redraw) or epochs >= 1.0:
        return None
    reason = (
        f"{trial.schedule.name} trains what it sets back for {epochs:.2g} epochs a round, not for one"
    )
    missing = 1.0 - round_.dense_share * trial.dense.recipe.dense_epochs
    more = f": --finetune-epochs {missing / round_.share:.3g} gives it" if round_.share else ""
    return reason + more


def _few_moves(trial: Trial, round_: Round) -> str | None:
    rule = round_.regrowth
    if rule is None:
        return None
    steps = round(round_epochs(round_, trial.dense) * _steps_per_epoch(trial.dense))
    moves = max(0, -(-int(steps * rule.until) // rule.every) - 1)
    if moves >= LEAST_MASK_MOVES:
        return None
    fitting = max(1, int(steps * rule.until) // (LEAST_MASK_MOVES + 1))
    return (
        f"{trial.schedule.name} moves its masks {moves} times in {steps} steps, which takes at least "
        f"{LEAST_MASK_MOVES}: move them every {fitting} steps, or train longer by --dense-epochs"
    )
