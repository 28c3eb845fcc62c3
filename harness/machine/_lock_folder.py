"""Lock folder: where all harnesses that share a device lie in line for it, and who those are."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Literal

LOCKS_VARIABLE = "HARNESS_LOCKS"
"""Names a folder that containers of one machine share, for devices that they share."""
COMMON = Path("/tmp")  # noqa: S108 -- of the whole machine, whatever TMPDIR a process has
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))

LockReach = Literal["machine", "container", "folder", "user"]
"""Whose harnesses wait for each other: all of the machine, of a container, of those that share the
folder that HARNESS_LOCKS names, or of a user with a folder of temporary files of their own."""


def lock_folder() -> Path:
    """Lock folder of this process."""
    named = os.environ.get(LOCKS_VARIABLE)
    if named:
        return Path(named)
    return COMMON if _is_common() else Path(tempfile.gettempdir())


def lock_reach() -> LockReach:
    """Lock reach: whose harnesses cannot time on a device while this process does."""
    if os.environ.get(LOCKS_VARIABLE):
        return "folder"
    if not _is_common():
        return "user"
    return "container" if _in_container() else "machine"


def _is_common() -> bool:
    return COMMON.is_dir() and os.access(COMMON, os.W_OK | os.X_OK)


def _in_container() -> bool:
    return "container" in os.environ or any(mark.exists() for mark in CONTAINER_MARKS)
