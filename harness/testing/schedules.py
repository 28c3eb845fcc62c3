"""Schedules: rounds as data."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from harness.contracts.schedules import Controlled, Schedule, StartsEarly
from harness.testing.arguments import called, ready
from harness.testing.promises import STEADY_NAME, keep
from harness.testing.requirements import require

if TYPE_CHECKING:
    from harness.contracts.abilities import Abilities
    from harness.testing.promises import Promises

TARGETS = (0.1, 0.5, 0.9, 0.99)


def check_schedule(schedule: Schedule, *, argument: str | None = None) -> Abilities:
    """Rounds rise, end at the target, share out exactly the whole budget and ask for what there is.

    A control is held to the same; `argument` is what the schedule is configured with first. Returns
    its abilities.
    """
    return keep(schedule_promises(schedule, argument=argument))


def schedule_promises(schedule: Schedule, *, argument: str | None = None) -> Promises:
    """What `check_schedule` tries."""
    yield f"{called(schedule)} {STEADY_NAME}"
    schedule, abilities = ready(schedule, Schedule, argument=argument)
    yield f"{schedule.name}: rounds rise to the target and share out the budget, each as there can be"
    for target in TARGETS:
        _check_rounds(schedule, target)
    if isinstance(schedule, StartsEarly):
        yield f"{schedule.name}: starts before dense training ends"
        early = 0.0 <= schedule.starts_at < 1.0
        require(early, f"{schedule.name}: starts_at must be from 0 up to 1, not {schedule.starts_at}")
    if isinstance(schedule, Controlled):
        yield f"{schedule.name}: its control is a schedule of another name"
        control = schedule.control
        require(control.name != schedule.name, f"{schedule.name}: its control needs a name of its own")
        check_schedule(control)
    return abilities


def _check_rounds(schedule: Schedule, target: float) -> None:
    rounds, again = (list(schedule.rounds(target)) for _ in range(2))
    levels = [round_.sparsity for round_ in rounds]
    what = f"{schedule.name} at {target}"
    require(rounds == again, f"{what}: the same target must make the same rounds")
    require(bool(rounds) and abs(levels[-1] - target) < 1e-9, f"{what}: the last must be the target")
    require(all(a < b for a, b in pairwise(levels)), f"{what}: rounds must rise")
    require(abs(sum(t.share for t in rounds) - 1) < 1e-6, f"{what}: shares must add up to 1")
