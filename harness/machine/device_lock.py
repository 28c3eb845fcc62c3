"""Who may use a device: one harness that times on it, or any number that only work there.

Across all processes of this machine, whatever folder they write to. A process that dies lets go.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import ReadWriteLock, Timeout

from harness.machine.environment import cpu_name
from harness.storage.keys import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def write_lock(device: str, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the device alone, to time on it; `waiting` is told once where another harness is on it."""
    lock = _lock(device)
    try:
        lock.acquire_write(blocking=False)
    except Timeout:
        waiting(f"waiting for another harness that works on {device}")
        lock.acquire_write()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def timing_lock(device: str, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """Time on the device; what it takes of the processor meanwhile disturbs nobody who times there."""
    # Always in this order, so that no two wait for each other.
    others = read_lock(cpu_name()) if device != cpu_name() else nullcontext()
    with others, write_lock(device, waiting=waiting):
        yield


@contextmanager
def read_lock(device: str) -> Iterator[None]:
    """Work on the device beside others, once nobody times on it; who waits to time goes first."""
    with _lock(device).read_lock():
        yield


def _lock(device: str) -> ReadWriteLock:
    path = Path(tempfile.gettempdir()) / file_name(f"harness-lane-{device}.db")
    path.touch()
    with suppress(OSError):
        # Other people's runs share the device too; the file is theirs where this is not allowed.
        path.chmod(0o666)
    return ReadWriteLock(path, is_singleton=False)
