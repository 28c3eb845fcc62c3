"""Readers-writer lock of a device: one harness that times on it, or any number that only compute.

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
    """Write lock: hold the device alone, to time on it; `waiting` is called once where it is held."""
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
    """Write lock of a device and read lock of the processor, which it disturbs while it times."""
    # Always in this order, so that no two wait for each other.
    processor_lock = read_lock(cpu_name()) if device != cpu_name() else nullcontext()
    with processor_lock, write_lock(device, waiting=waiting):
        yield


@contextmanager
def read_lock(device: str) -> Iterator[None]:
    """Read lock: compute on the device beside others; whoever waits to time on it goes first."""
    with _lock(device).read_lock():
        yield


def _lock(device: str) -> ReadWriteLock:
    path = Path(tempfile.gettempdir()) / file_name(f"harness-lane-{device}.db")
    path.touch()
    with suppress(OSError):
        # Other people's runs share the device too; where this is not allowed, the file is theirs.
        path.chmod(0o666)
    return ReadWriteLock(path, is_singleton=False)
