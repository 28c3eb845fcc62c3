"""Energy counters of processors (RAPL) and NVIDIA GPUs (NVML), read through Zeus (You 2023)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import harness

if TYPE_CHECKING:
    from zeus.monitor.energy import Measurement, ZeusMonitor

WINDOW = "harness"
COUNTERS = Path("/sys/class/powercap/intel-rapl/intel-rapl:0/energy_uj")


class Rapl:
    """The counters of the processor's packages: all that runs on them, not one program's share."""

    name = "rapl"
    source: Literal["measured", "estimated"] = "measured"

    def __init__(self) -> None:
        self._monitor: ZeusMonitor | None = None

    def unavailable(self) -> str | None:
        """Whether Zeus or the counters are missing."""
        if not os.access(COUNTERS, os.R_OK):
            return f"{COUNTERS} cannot be read: bare metal and `chmod a+r` on it are needed"
        return harness.unmet("zeus")

    def meters(self, backend: harness.Backend) -> bool:
        """What runs on this machine's processor."""
        return backend.describe()["device"] == harness.cpu_name()

    def begin(self) -> None:
        """Open a window, the counters' own first where there are none yet."""
        if self._monitor is None:
            self._monitor = self._opened()
        self._monitor.begin_window(WINDOW)

    def end(self) -> float | None:
        """Joules of all packages; None where one tells nothing."""
        if self._monitor is None:
            return None
        return self._joules(self._monitor.end_window(WINDOW))

    def _opened(self) -> ZeusMonitor:
        from zeus.monitor.energy import ZeusMonitor

        return ZeusMonitor(gpu_indices=[])

    def _joules(self, found: Measurement) -> float | None:
        return _sum(found.cpu_energy)


class Nvml(Rapl):
    """The counter of the first NVIDIA GPU: all that runs on it."""

    name = "nvml"

    def unavailable(self) -> str | None:
        """Whether Zeus or a GPU is missing."""
        return harness.no_gpu() or harness.unmet("zeus")

    def meters(self, backend: harness.Backend) -> bool:
        """What runs on an NVIDIA GPU."""
        return backend.describe()["device"] == harness.gpu_name()

    def _opened(self) -> ZeusMonitor:
        from zeus.monitor.energy import ZeusMonitor

        return ZeusMonitor(gpu_indices=[0], cpu_indices=[])

    def _joules(self, found: Measurement) -> float | None:
        return _sum(found.gpu_energy)


def _sum(parts: dict[int, float] | None) -> float | None:
    """Of all parts; Zeus says nothing or an empty answer where it can read no counter."""
    if not parts or any(value is None or value <= 0.0 for value in parts.values()):
        return None
    return float(sum(parts.values()))


@harness.hookimpl
def harness_meters() -> Iterable[harness.Meter]:
    """Offer both counters."""
    return [Rapl(), Nvml()]
