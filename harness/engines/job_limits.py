"""Job limits: what the processes of one job may take of a machine, all together."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import psutil

from harness.machine.memory import machine_memory_gb

if TYPE_CHECKING:
    from pathlib import Path

MEMORY_FRACTION = 0.9
"""Of a machine's memory that its workers share; the rest is the driver's and the system's."""
LEAST_MEMORY_GB = 4.0
"""Of a job by default, where the machine has it: jobs are seldom large at once."""
FREE_DISK_FRACTION = 0.5
PROCESSES_PER_CORE = 8
LEAST_PROCESSES = 256

Limited = Literal["processes", "memory", "disk"]


@dataclass(frozen=True, kw_only=True)
class JobLimits:
    """Job limits in 10^9 bytes, 10^6 of its log; None is what the machine can spare.

    A job over a limit is ended, and its row tells by which; of its log the beginning is kept.
    """

    memory_gb: float | None = None
    disk_gb: float | None = None
    processes: int | None = None
    log_mb: float = 20.0

    def here(self, *, workers: int, folder: Path) -> JobLimits:
        """The same with what this machine can spare where nothing is said: shared among workers."""
        memory, free = machine_memory_gb(), shutil.disk_usage(folder).free / 1e9
        usable = MEMORY_FRACTION * memory
        share = max(usable / workers, min(usable, LEAST_MEMORY_GB))
        cores = psutil.cpu_count() or 1
        return JobLimits(
            memory_gb=share if self.memory_gb is None else self.memory_gb,
            disk_gb=FREE_DISK_FRACTION * free if self.disk_gb is None else self.disk_gb,
            processes=self.processes or max(LEAST_PROCESSES, PROCESSES_PER_CORE * cores),
            log_mb=self.log_mb,
        )

    def excess(self, of: Limited, amount: float) -> str | None:
        """How far a job is over a limit, and the way out; None where it is not."""
        limit, unit, option = {
            "processes": (self.processes, "processes", "process"),
            "memory": (self.memory_gb, "GB of memory", "memory"),
            "disk": (self.disk_gb, "GB of disk", "disk"),
        }[of]
        if limit is None or amount <= limit:
            return None
        return (
            f"took {amount:.3g} {unit}, over its limit of {limit:.3g} (--{option}-limit sets another)"
        )
