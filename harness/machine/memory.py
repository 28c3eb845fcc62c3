"""Memory of this machine, and the peak of this process's from a moment on."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
RESET_PEAK = "5"
CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Of Linux's control groups, old and new: without a limit no number, or more than the machine has."""
MIN_HIDING_MB = 1.0
"""Least megabytes by which an earlier peak exceeds what is resident to hide a later one."""


class PeakMemory:
    """Peak growth of this process's resident memory since the construction."""

    def __init__(self) -> None:
        _forget_peak()
        self._before = psutil.Process().memory_info().rss / 1e6
        self._earlier = _peak_mb()

    def added_mb(self) -> float | None:
        """Growth at the peak since, in 10^6 bytes; None where the system does not tell.

        That is so too where memory once was higher, the system cannot forget it, and the peak since
        stayed below.
        """
        peak = _peak_mb()
        if peak is None or self._earlier is None:
            return None
        if peak <= self._earlier and self._earlier - self._before > MIN_HIDING_MB:
            return None
        return max(0.0, peak - self._before)


def machine_memory_gb() -> float:
    """Memory of this machine, or of the container that this process is in, in 10^9 bytes."""
    limits = [int(text) for path in CONTAINER_LIMITS if (text := _text_of(path)).isdecimal()]
    return min([psutil.virtual_memory().total, *limits]) / 1e9


def _text_of(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _forget_peak() -> None:
    try:
        CLEAR.write_text(RESET_PEAK)
    except OSError:
        # Not Linux, or a sandbox; an earlier peak that would hide a later one is noticed above.
        return


def _peak_mb() -> float | None:
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return _peak_of_usage()
    kilobytes = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(kilobytes[0]) * 1024 / 1e6 if kilobytes else _peak_of_usage()


def _peak_of_usage() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, kilobytes elsewhere.
    return (peak if sys.platform == "darwin" else peak * 1024) / 1e6 or None
