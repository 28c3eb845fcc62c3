"""Devices of this machine, as their backends describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.call_limit import call_limit
from harness.errors import failure_reason
from harness.machine.availability import why_unavailable
from harness.machine.device import Device
from harness.machine.environment import machine_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contracts.backends import Backend


def local_devices(backends: Sequence[Backend]) -> dict[str, Device]:
    """Devices of this machine by the backend's name."""
    return {backend.name: local_device(backend) for backend in backends}


def local_device(backend: Backend) -> Device:
    """Device of the backend on this machine; to look may take a second."""
    reason = why_unavailable(backend)
    if reason is not None:
        return Device(reason=reason)
    try:
        with call_limit("`describe`"):
            facts, again = dict(backend.describe()), dict(backend.describe())
    except (Exception, SystemExit) as error:
        return Device(reason=failure_reason(error))
    if not {"device", "runtime"} <= facts.keys():
        return Device(reason="its describe() names no device and runtime")
    if facts != again:
        # Rows are keyed by them, so that no run would find its own again.
        return Device(reason="its describe() tells other facts at each call")
    return Device(facts=facts, machine=machine_facts())
