"""Device facts: what a backend's device says of itself, on the machine that it is on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import failure_reason
from harness.machine.environment import machine_facts
from harness.storage.keys import source_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contracts.backends import Backend
    from harness.contracts.meters import Meter


@dataclass(frozen=True, kw_only=True)
class Device:
    """A backend's `describe()` and the columns of its machine, or the `reason` why it is not there."""

    facts: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None

    @property
    def name(self) -> str:
        """Name of what runs the models; empty where the device is not there."""
        return self.facts.get("device", "")

    def identity(self, backend: Backend) -> list[Any]:
        """Identity for keys: changes when the backend, its device or its libraries do."""
        return [dict(self.facts), source_hash(backend), self.machine.get("torch")]


def local_devices(backends: Sequence[Backend]) -> dict[str, Device]:
    """Devices of this machine by the backend's name."""
    return {backend.name: local_device(backend) for backend in backends}


def local_device(backend: Backend) -> Device:
    """Device of the backend on this machine; to look may take a second."""
    reason = why_unavailable(backend)
    if reason is not None:
        return Device(reason=reason)
    try:
        facts = dict(backend.describe())
    except (Exception, SystemExit) as error:
        return Device(reason=failure_reason(error))
    if not {"device", "runtime"} <= facts.keys():
        return Device(reason="its describe() names no device and runtime")
    return Device(facts=facts, machine=machine_facts())


def why_unavailable(backend: Backend | Meter) -> str | None:
    """Reason why a backend or meter cannot be used here, its own error included; None where it can."""
    try:
        return backend.unavailable()
    except (Exception, SystemExit) as error:
        return failure_reason(error)
