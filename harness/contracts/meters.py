"""Meters: what tells how much energy a stretch of inferences took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from harness.contracts.backends import Backend

Source = Literal["measured", "estimated"]
"""Whether a meter reads a counter of the device or reckons from something else."""


@runtime_checkable
class Meter(Protocol):
    """Tells the energy of whatever a device does between two moments."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    @property
    def source(self) -> Source:
        """Rows carry it beside the energy, since an estimate cannot be held against a measurement."""

    def unavailable(self) -> str | None:
        """Why this machine cannot use it, with the way out; None where it can. Import nothing heavy."""

    def meters(self, backend: Backend) -> bool:
        """Whether it can tell of the device that a backend runs on."""

    def begin(self) -> None:
        """Count from now on; called in the process that runs the model."""

    def end(self) -> float | None:
        """Joules since `begin`; None where the counter told nothing, which is never 0."""
