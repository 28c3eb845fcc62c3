"""Devices: what a backend says of its own, and the slots in which jobs run on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import failure_reason
from harness.machine.availability import why_unavailable
from harness.machine.environment import machine_facts
from harness.storage.keys import source_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contracts.backends import Backend


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


@dataclass(frozen=True, kw_only=True)
class DeviceSlot:
    """Where a job has to run: on a machine of `backend`.

    With `exclusive` it times there, so it has `device` for itself.
    """

    backend: str
    device: str
    exclusive: bool = False

    @property
    def kind(self) -> str:
        """The backend without its variant: variants are on the same device."""
        return self.backend.partition(":")[0]


def device_slot(backend: Backend, device: Device, *, exclusive: bool = False) -> DeviceSlot:
    """Where the backend's device is."""
    return DeviceSlot(backend=backend.name, device=device.name, exclusive=exclusive)


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
