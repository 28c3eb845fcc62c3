"""Energy per inference, from a meter that is read before and after many."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from harness.machine.clock import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.contracts.meters import Meter

MIN_METERED_SECONDS = 1.0
"""Least seconds metered: a counter's steps of about a millisecond are a thousandth of that."""
MIN_METERED_RUNS = 3


def joules(
    meter: Meter, runs: Sequence[Callable[[], object]], *, clock: Callable[[], int] = CLOCK
) -> float | None:
    """Energy of one run in joules, the runs alternating for a second; None where the meter has none."""
    count, alternating = 0, cycle(runs)
    meter.begin()
    began = clock()
    while count < MIN_METERED_RUNS or clock() - began < MIN_METERED_SECONDS * 1e9:
        next(alternating)()
        count += 1
    energy = meter.end()
    return None if energy is None else energy / count
