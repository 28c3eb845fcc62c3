"""Energy of one inference, from a meter that is read before and after many."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from harness.machine.clock import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.contracts.meters import Meter

METERED_SECONDS = 1.0
"""A counter moves in steps of about a millisecond: so long, they are a thousandth."""
MIN_RUNS = 3


def joules(
    meter: Meter, runs: Sequence[Callable[[], object]], *, clock: Callable[[], int] = CLOCK
) -> float | None:
    """Of one of the runs, which take turns for a second; None where the meter tells nothing."""
    count, runs_in_turn = 0, cycle(runs)
    meter.begin()
    began = clock()
    while count < MIN_RUNS or clock() - began < METERED_SECONDS * 1e9:
        next(runs_in_turn)()
        count += 1
    found = meter.end()
    return None if found is None else found / count
