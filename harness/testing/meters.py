"""Meters: joules of a stretch of work on this machine."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, get_args

from harness.contracts.meters import Meter, Source
from harness.machine.environment import cpu_name
from harness.testing.arguments import called, ready
from harness.testing.promises import STEADY_NAME, keep
from harness.testing.requirements import require, skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.contracts.abilities import Abilities
    from harness.testing.promises import Promises

SECONDS = 0.2
"""Of work: counters move in steps of a millisecond."""


def check_meter(meter: Meter, *, argument: str | None = None) -> Abilities:
    """Joules since `begin`, or None; skipped with the meter's reason where it is unavailable here.

    `argument` is what the meter is configured with first. Returns its abilities.
    """
    return keep(meter_promises(meter, argument=argument))


def meter_promises(meter: Meter, *, argument: str | None = None) -> Promises:
    """What `check_meter` tries."""
    yield f"{called(meter)} {STEADY_NAME}"
    meter, abilities = ready(meter, Meter, argument=argument)
    yield f"{meter.name}: says whether it measures or estimates, and of which backends"
    sources = get_args(Source)
    require(
        meter.source in sources, f"{meter.name}: source must be one of {sources}, not {meter.source!r}"
    )
    reason = meter.unavailable()
    if reason is not None:
        skip(meter.name, reason)
    told = meter.meters(_Processor())
    require(isinstance(told, bool), f"{meter.name}: `meters` must say whether it can, as True or False")
    yield f"{meter.name}: joules are of the time since `begin`, or None"
    whole = _joules(meter, SECONDS)
    after = _joules(meter, 0.0)
    anew = whole is None or after is None or after < whole
    require(anew, f"{meter.name}: counts on from an earlier `begin`: {whole} J, then {after} J")
    return abilities


class _Processor:
    """A backend on this machine's processor, as far as a meter asks."""

    name = "processor"

    def unavailable(self) -> str | None:
        return None

    def describe(self) -> Mapping[str, str]:
        return {"device": cpu_name(), "runtime": "none"}


def _joules(meter: Meter, seconds: float) -> float | None:
    """What a busy processor took meanwhile."""
    meter.begin()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass
    joules = meter.end()
    told = joules is None or (isinstance(joules, float) and math.isfinite(joules) and joules >= 0.0)
    require(told, f"{meter.name}: energy is a number of joules or None, not {joules!r}")
    require(joules != 0.0, f"{meter.name}: 0 joules is a counter that told nothing, which is None")
    return joules
