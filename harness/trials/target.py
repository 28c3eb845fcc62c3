"""Pruning target: what a level is a fraction of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from harness.machine.device import DeviceSlot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.contracts.backends import Backend

Quantity = Literal["params", "macs", "latency"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Target: prunable parameters, multiply-accumulates, or the time of one batch on `backend`.

    `facts` are those of the backend's device.
    """

    quantity: Quantity = "params"
    backend: Backend | None = None
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)
    batch: int = 1
    threads: int = 1

    @property
    def name(self) -> str:
        """Name on the command line: `params`, `macs` or `latency:BACKEND`."""
        return f"{self.quantity}:{self.backend.name}" if self.backend else self.quantity

    @property
    def slot(self) -> DeviceSlot | None:
        """Device slot of its trials, exclusive; None where the quantity is no time."""
        if self.backend is None:
            return None
        return DeviceSlot(backend=self.backend.name, device=self.facts["device"], exclusive=True)

    @property
    def clock(self) -> str:
        """Clock: times on the same one are comparable; empty where the quantity is no time."""
        if self.backend is None:
            return ""
        words = self.facts["device"], self.facts["runtime"], f"batch {self.batch}"
        return ", ".join([*words, f"{self.threads} threads"])
