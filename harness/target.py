"""What a level is a fraction of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from harness.contracts import Backend

Resource = Literal["params", "macs", "latency"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Prunable parameters, multiply-accumulates, or the time of one batch on `backend`."""

    resource: Resource = "params"
    backend: Backend | None = None
    batch: int = 1
    threads: int = 1

    @property
    def name(self) -> str:
        """As it is typed: `params`, `macs` or `latency:BACKEND`."""
        return f"{self.resource}:{self.backend.name}" if self.backend else self.resource

    @property
    def device(self) -> str:
        """What nothing else may work on meanwhile; empty where no time is asked for."""
        return self.backend.describe()["device"] if self.backend else ""

    @property
    def clock(self) -> str:
        """What times are comparable with these; empty where no time is asked for."""
        if self.backend is None:
            return ""
        runtime = self.backend.describe()["runtime"]
        return f"{self.device}, {runtime}, batch {self.batch}, {self.threads} threads"
