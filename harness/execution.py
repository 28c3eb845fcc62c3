"""How a plan is carried out: how long it takes and how sure its times are, never what is run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Training workers, seconds a job may take, timing processes, and when each stops sampling.

    `precision` is a 95 % half-width as a fraction of dense latency, `seconds` the cap for one batch
    size, `cores` what a timing process is pinned to, anywhere where it is empty.
    """

    workers: int
    time_limit: float
    processes: int
    precision: float
    seconds: float
    cores: tuple[int, ...] = ()
