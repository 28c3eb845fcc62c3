"""Rounds of a schedule, held to what its protocol promises."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from harness.contracts.call_limit import call_limit
from harness.contracts.schedules import Round
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.contracts.schedules import Schedule

MOST_ROUNDS = 1000
ROUNDING = 1e-9
"""By which the last round may miss its level."""


def rounds_of(schedule: Schedule, level: float) -> tuple[Round, ...]:
    """Rounds by which a schedule reaches a sparsity level.

    Raises HarnessError where it returns anything else, or more than there can be.
    """
    with call_limit(f"schedule {schedule.name!r}"):
        rounds = tuple(islice(schedule.rounds(level), MOST_ROUNDS + 1))
    for round_ in rounds:
        if not isinstance(round_, Round):
            raise HarnessError(
                f"schedule {schedule.name!r}: a round is a harness.Round, not {round_!r:.60}"
            )
    if len(rounds) > MOST_ROUNDS:
        raise HarnessError(f"schedule {schedule.name!r} has more than {MOST_ROUNDS} rounds")
    if not rounds or abs(rounds[-1].sparsity - level) > ROUNDING:
        raise HarnessError(f"schedule {schedule.name!r} does not end at {level}")
    return rounds
