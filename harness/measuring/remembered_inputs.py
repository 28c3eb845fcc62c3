"""Remembered inputs: outputs that are looked up, not computed, where an input comes again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.conversion.device_tensors import device_clock, to_device
from harness.errors import HarnessError
from harness.machine.clock import elapsed_ms

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts.backends import Backend, Run

TRIES = 3
LEAST_RATIO = 3.0
"""Of the time of a new input over that of one seen before, in every try: caches of a processor make
less."""


def check_not_remembered(run: Run, images: Tensor, backend: Backend) -> None:
    """Time inputs that are new and then the same again: of a clock's few, all but the first come again.

    Raises HarnessError where each new one takes several times as long as when it has been seen.
    """
    elapsed, ratios = device_clock(backend) or elapsed_ms, list[float]()
    for number in range(1, TRIES + 1):
        # Values that no earlier try or timing had.
        given = to_device(images * (1.0 - number / 64), backend)
        # Its weights are in the caches then.
        run(to_device(images, backend))
        first, again = (elapsed(partial(run, given)) for _ in range(2))
        ratios.append(first / max(again, 1e-9))
    if min(ratios) > LEAST_RATIO:
        raise HarnessError(
            f"an input that is new takes {min(ratios):.1f} times as long as one that comes again, or "
            "more: it remembers outputs"
        )
