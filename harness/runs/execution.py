"""How a plan is carried out: how long it takes and how sure its times are, never what is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.engines.job_limits import JobLimits

if TYPE_CHECKING:
    from pathlib import Path

    from harness.contracts.meters import Meter
    from harness.engines.engine import EngineFactory
    from harness.measuring.stopping import StoppingRule


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Training workers, what a job may take, in seconds and otherwise, and how patiently it is timed.

    `cores` is what a timing process is pinned to, anywhere where it is empty; `dense_from` is a run
    folder whose dense models are taken over; `meter` tells the energy of what is timed. Jobs run on
    `workers` processes here, or on what `engine` makes.
    """

    workers: int
    time_limit: float
    stopping_rule: StoppingRule
    cores: tuple[int, ...] = ()
    dense_from: Path | None = None
    meter: Meter | None = None
    engine: EngineFactory | None = None
    limits: JobLimits = JobLimits()
