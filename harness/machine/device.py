"""Devices of backends: what they say of themselves, and the slots in which jobs run on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.storage.keys import source_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.contracts.backends import Backend


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


@dataclass(frozen=True, kw_only=True)
class DeviceSlot:
    """Device slot: where a job has to run, on a machine of `backend`.

    With `exclusive` it times there, so it has `device` for itself.
    """

    backend: str
    device: str
    exclusive: bool = False

    @property
    def kind(self) -> str:
        """Kind of the backend, without its variant: variants are on the same device."""
        return self.backend.partition(":")[0]


def device_slot(backend: Backend, device: Device, *, exclusive: bool = False) -> DeviceSlot:
    """Device slot of the backend's device."""
    return DeviceSlot(backend=backend.name, device=device.name, exclusive=exclusive)
