"""System limits: what this operating system lacks of what a run makes use of."""

from __future__ import annotations

import multiprocessing
import os
import sys


def system_limits() -> list[str]:
    """What is missing here and what that costs, in a sentence each; nothing on Linux."""
    wanted = {
        "worker processes start one by one, seconds each: there is no fork server": (
            "forkserver" in multiprocessing.get_all_start_methods()
        ),
        "--pin is refused: processes cannot be pinned to cores": hasattr(os, "sched_setaffinity"),
        "rows tell no load average": hasattr(os, "getloadavg"),
        "peak memory is a whole process's since it began, or unknown": sys.platform == "linux",
        "memory, disk and processes of a job have no limit": sys.platform == "linux",
        "workers of a run that is killed end a moment later, by themselves": sys.platform == "linux",
        "governor, turbo, temperature and steal are unknown": sys.platform == "linux",
    }
    return [sentence for sentence, there in wanted.items() if not there]
