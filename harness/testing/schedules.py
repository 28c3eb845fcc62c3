"""Schedules: rounds as data."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from harness.contracts.schedules import Controlled, Schedule, StartsEarly
from harness.testing.arguments import ready
from harness.testing.requirements import require

if TYPE_CHECKING:
    from harness.contracts.schedules import Round
    from harness.testing.abilities import Abilities

TARGETS = (0.1, 0.5, 0.9, 0.99)


def check_schedule(schedule: Schedule, *, argument: str | None = None) -> Abilities:
    """Rounds rise, end at the target, share out exactly the whole budget and ask for what there is.

    A control is held to the same; `argument` is what the schedule is configured with first. Returns
    its abilities.
    """
    schedule, abilities = ready(schedule, Schedule, argument=argument)
    for target in TARGETS:
        _check_rounds(schedule, target)
    if isinstance(schedule, StartsEarly):
        early = 0.0 <= schedule.starts_at < 1.0
        require(early, f"{schedule.name}: starts_at is from 0 up to 1, not {schedule.starts_at}")
    if isinstance(schedule, Controlled):
        control = schedule.control
        require(control.name != schedule.name, f"{schedule.name}: its control needs a name of its own")
        check_schedule(control)
    return abilities


def _check_rounds(schedule: Schedule, target: float) -> None:
    rounds = list(schedule.rounds(target))
    levels = [round_.sparsity for round_ in rounds]
    what = f"{schedule.name} at {target}"
    require(bool(rounds) and abs(levels[-1] - target) < 1e-9, f"{what}: the last is the target")
    require(all(a < b for a, b in pairwise(levels)), f"{what}: rounds rise")
    require(all(round_.share >= 0 for round_ in rounds), f"{what}: no share is below 0")
    require(abs(sum(t.share for t in rounds) - 1) < 1e-6, f"{what}: shares add up to 1")
    for round_ in rounds:
        _check_round(round_, what)


def _check_round(round_: Round, what: str) -> None:
    require(round_.dense_share >= 0.0, f"{what}: dense_share is not below 0")
    for name, moment in (("rewind", round_.rewind), ("rate", round_.rate)):
        inside = moment in (None, "budget") or (isinstance(moment, float) and 0.0 <= moment <= 1.0)
        require(inside, f"{what}: {name} is a place from 0 to 1 or 'budget', not {moment!r}")
    require(not (round_.redraw and round_.rewind is not None), f"{what}: a round redraws or rewinds")
    moving = round_.regrowth
    if moving is not None:
        sound = 0.0 < moving.drop < 1.0 and moving.every >= 1 and 0.0 < moving.until <= 1.0
        require(sound, f"{what}: regrowth drops a fraction every so many steps, not {moving}")
