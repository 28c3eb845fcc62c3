"""The exclusive lane: one harness times on a device at a time, whatever folder it writes to."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from harness.keys import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def exclusive(device: str, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the device for the block; `waiting` is told once where another run holds it now."""
    lock = FileLock(Path(tempfile.gettempdir()) / file_name(f"harness-lane-{device}.lock"), mode=0o666)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting(f"waiting for another harness that is timing on {device}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
