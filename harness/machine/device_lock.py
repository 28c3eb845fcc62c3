"""Readers-writer lock of a device: one harness that times on it, or any number that only compute.

Across all processes of this machine, whatever folder they write to, in the order in which they come. A
process that dies lets go.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from harness.machine._device_queue import DeviceQueue
from harness.machine.environment import cpu_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def write_lock(device: str, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """Write lock: hold the device alone, to time on it; `waiting` is told for whom it waits."""
    with DeviceQueue(device).admitted(exclusive=True, waiting=waiting):
        yield


@contextmanager
def timing_lock(device: str, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """Write lock of a device and read lock of the processor, which it disturbs while it times."""
    # Always in this order, so that no two wait for each other.
    processor_lock = read_lock(cpu_name(), waiting=waiting) if device != cpu_name() else nullcontext()
    with processor_lock, write_lock(device, waiting=waiting):
        yield


@contextmanager
def read_lock(device: str, *, waiting: Callable[[str], None] = print) -> Iterator[None]:
    """Read lock: compute on the device beside others; whoever came first to time on it goes first."""
    with DeviceQueue(device).admitted(exclusive=False, waiting=waiting):
        yield


def waited_for(device: str) -> str | None:
    """Who times on the device while all workers of this process wait for that; None while any works."""
    holders, own = DeviceQueue(device).holders(), os.getpid()
    first = next((holder for holder in holders if holder.exclusive or holder.process == own), None)
    waits = first is not None and first.process != own
    return str(first) if waits and any(holder.process == own for holder in holders) else None
