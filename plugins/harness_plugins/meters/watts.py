"""Energy as a stated power times time: an estimate, and no more than the latency it is made from."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

import harness


class Watts:
    """So many watts times the time that passes, as watts:15; ranks as latency does."""

    needs_argument = "15"
    source: Literal["measured", "estimated"] = "estimated"

    def __init__(self, watts: float = 0.0) -> None:
        self._watts = watts
        self._began = 0.0

    @property
    def name(self) -> str:
        """With the power."""
        return f"watts:{self._watts:g}" if self._watts else "watts"

    def configured(self, argument: str) -> Watts:
        """Raises HarnessError where the power is no positive number."""
        takes = "watts takes a power in watts, as 15"
        return Watts(harness.number_from(argument, lambda watts: watts > 0.0, takes=takes))

    def unavailable(self) -> str | None:
        """Never."""
        return None

    def meters(self, backend: harness.Backend) -> bool:  # noqa: ARG002 -- any device takes time
        """Any."""
        return True

    def begin(self) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def end(self) -> float | None:
        """Power times the time that has passed."""
        return self._watts * (time.perf_counter() - self._began)


@harness.hookimpl
def harness_meters() -> Iterable[harness.Meter]:
    """Offer the estimate."""
    return [Watts()]
