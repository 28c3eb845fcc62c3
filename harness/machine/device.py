"""What a backend's device says of itself, on the machine that it is on."""

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
        """What times are taken on; empty where nothing is known."""
        return self.facts.get("device", "")

    def identity(self, backend: Backend) -> list[Any]:
        """What changes when the backend, its device or its libraries do."""
        return [dict(self.facts), source_hash(backend), self.machine.get("torch")]


def local_devices(backends: Sequence[Backend]) -> dict[str, Device]:
    """What each backend's device is on this machine, by the backend's name."""
    return {backend.name: local_device(backend) for backend in backends}


def local_device(backend: Backend) -> Device:
    """The backend's device on this machine; asking may take a second."""
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
    """Why a backend or meter cannot be used here, a plugin's own error included; None where it can."""
    try:
        return backend.unavailable()
    except (Exception, SystemExit) as error:
        return failure_reason(error)
