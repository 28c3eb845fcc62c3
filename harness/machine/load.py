"""Machine load while models were timed, where the system tells."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

CPU = Path("/sys/devices/system/cpu")
MAX_OTHERS_CORES = 0.25
MAX_STEAL_FRACTION = 0.05


@dataclass(frozen=True, kw_only=True)
class MachineLoad:
    """Machine load during one timing process; empty where the system does not tell.

    `steal` is the fraction of processor time that the hypervisor gave to others, `others_cores` how
    many cores other processes kept busy on average.
    """

    governor: str = ""
    turbo: bool | None = None
    load_average: float | None = None
    temperature_c: float | None = None
    steal: float | None = None
    others_cores: float | None = None

    @property
    def busy(self) -> bool:
        """Whether other processes or the hypervisor took enough to make times doubtful."""
        return (self.others_cores or 0.0) > MAX_OTHERS_CORES or (self.steal or 0.0) > MAX_STEAL_FRACTION


class LoadMonitor:
    """Load monitor: watches from when it is constructed."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._times = psutil.cpu_times()
        self._process_times = psutil.Process().cpu_times()

    def load(self) -> MachineLoad:
        """Machine load since the construction, or now for what has no history."""
        elapsed = max(time.monotonic() - self._began, 1e-9)
        now, process = psutil.cpu_times(), psutil.Process().cpu_times()
        total = max(sum(now) - sum(self._times), 1e-9)
        idle = (now.idle - self._times.idle) + _since(now, self._times, "iowait")
        busy_here = (process.user + process.system) - (
            self._process_times.user + self._process_times.system
        )
        return MachineLoad(
            governor=_read(CPU / "cpu0/cpufreq/scaling_governor"),
            turbo=_turbo(),
            load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            temperature_c=_temperature(),
            steal=max(0.0, _since(now, self._times, "steal") / total),
            others_cores=max(0.0, (total - idle - busy_here) / elapsed),
        )


def _since(now: object, then: object, name: str) -> float:
    return float(getattr(now, name, 0.0) - getattr(then, name, 0.0))


def _turbo() -> bool | None:
    boost, no_turbo = _read(CPU / "cpufreq/boost"), _read(CPU / "intel_pstate/no_turbo")
    if boost:
        return boost == "1"
    return no_turbo == "0" if no_turbo else None


def _temperature() -> float | None:
    sensors: dict[str, Any] = getattr(psutil, "sensors_temperatures", dict)()
    temperatures = [float(reading.current) for readings in sensors.values() for reading in readings]
    return max(temperatures, default=None)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
