"""How a plan is carried out: how long it takes and how sure its times are, never what is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.contracts import Meter
    from harness.engine import MakesEngine


@dataclass(frozen=True, kw_only=True)
class Patience:
    """When a timing session has enough processes.

    At least `least`; then more until every saving's 95 % half-width is at most `precision` of dense
    latency, until `seconds` have passed, or until there are `most`.
    """

    least: int = 3
    most: int = 64
    precision: float = 0.01
    seconds: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Training workers, seconds a job may take, and how patiently snapshots are timed.

    `cores` is what a timing process is pinned to, anywhere where it is empty; `dense_from` is a run
    folder whose dense models are taken over; `meter` tells the energy of what is timed. Jobs run on
    `workers` processes here, or on what `engine` makes.
    """

    workers: int
    time_limit: float
    patience: Patience
    cores: tuple[int, ...] = ()
    dense_from: Path | None = None
    meter: Meter | None = None
    engine: MakesEngine | None = None
