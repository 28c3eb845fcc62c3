"""Level check: how much of each network can leave, and which levels ask for more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.trials.spec import Trial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.engines.engine import Engine
    from harness.planning.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Reach of a network at a granularity: which fraction of the target can leave at most.

    None where that could not be found out, for that `reason`. `trial` is one that it holds for.
    """

    trial: Trial
    most: float | None
    reason: str = ""

    @property
    def beyond(self) -> list[float]:
        """Levels of the trial that ask for more."""
        return [level for level in self.trial.levels if self.most is not None and level > self.most]

    @property
    def sentence(self) -> str:
        """What a person is told of it."""
        network = f"{self.trial.dense.model.name} at {self.trial.granularity}"
        if self.most is None:
            return f"{network}: how much can leave is not known: {self.reason}"
        floor = f", down to {self.trial.layer_floor:g} of each layer" if self.trial.layer_floor else ""
        return f"{network}: up to {_down(self.most):.3f} of {self.trial.target.name} can leave{floor}"


def trials_to_try(plan: Plan, *, sufficing: bool = False) -> dict[str, Trial]:
    """Trials that show the reach of a network at a granularity, one for each, by label.

    Where that is `sufficing` for a check of levels, those of which all may leave are not among them,
    nor those whose target is a time: that takes the device, and its reach differs from try to try.
    """
    chosen: dict[str, Trial] = {}
    for trial in plan.pending_trials:
        if (
            isinstance(trial, Trial)
            and not trial.pattern.n_of_m
            and not (sufficing and _is_free(trial))
        ):
            chosen.setdefault(f"{trial.dense.model.name} at {trial.granularity}", trial)
    return chosen


def _is_free(trial: Trial) -> bool:
    bound = trial.pattern.scored == "channel" or trial.layer_floor or trial.keep or trial.only
    return not bound or trial.target.backend is not None


def measure_reaches(trials: dict[str, Trial], engine: Engine) -> list[Reach]:
    """Reach of each, found on the engine's processes."""
    from harness.trials.reach import measure_reach

    slots = {label: trial.target.slot for label, trial in trials.items()}
    exclusive = {label: slot for label, slot in slots.items() if slot is not None}
    outcomes = dict(engine.run(measure_reach, trials, watching=lambda _: None, slots=exclusive))
    return [
        Reach(trial=trial, most=outcomes[label].value, reason=outcomes[label].failure)
        for label, trial in trials.items()
    ]


def check_levels(reaches: Iterable[Reach]) -> None:
    """Raises HarnessError where a level asks for more than can leave; on a clock, the search tells."""
    for reach in reaches:
        if reach.beyond and reach.trial.target.backend is None:
            raise HarnessError(_refusal(reach))


def _refusal(reach: Reach) -> str:
    asked = ", ".join(f"{level:g}" for level in reach.beyond)
    trial = reach.trial
    ways = [f"--layer-floor below {trial.layer_floor:g}"] if trial.layer_floor else []
    ways += ["less in --keep and --only"] if trial.keep or trial.only else []
    way_out = f"; more can leave with {' or '.join(ways)}" if ways else ""
    return f"level {asked} is out of reach: {reach.sentence}{way_out}"


def _down(fraction: float) -> float:
    """Rounded down to what is printed, so that it is itself within reach."""
    return math.floor(fraction * 1000) / 1000
