"""Timing sessions: which snapshots take turns in the same processes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.machine.device import device_slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.machine.device import Device, DeviceSlot
    from harness.measuring.timing_process import TimingJob
    from harness.planning.grid import Cell
    from harness.trials.level_result import LevelResult

Origin = TypeVar("Origin")
ReadyCell = tuple["Cell", "LevelResult"]


@dataclass(frozen=True, kw_only=True)
class TimingItem(Generic[Origin]):
    """What a session times for one `origin`, be it a cell, a pair of rows or a copy.

    `labels` are its own among the snapshots of the session. Items of one `group` are never split.
    """

    origin: Origin
    labels: tuple[str, ...]
    batches: tuple[int, ...]
    group: str


@dataclass(frozen=True, kw_only=True)
class TimingSession(Generic[Origin]):
    """Snapshots that take turns on one device in the same processes, each of which does `job`.

    Snapshots of no item, as dense, belong to all; `title` says what a person is shown of a job. `twins`
    are timed as a check: each should take as long as the label that it maps to.
    """

    items: tuple[TimingItem[Origin], ...]
    job: TimingJob
    device: Device
    title: Callable[[TimingJob], str]
    twins: Mapping[str, str] = field(default_factory=dict)

    @property
    def origins(self) -> list[Origin]:
        """What it is timed for."""
        return [item.origin for item in self.items]

    @property
    def slot(self) -> DeviceSlot:
        """Where it is timed, alone."""
        return device_slot(self.job.backend, self.device, exclusive=True)

    @property
    def label(self) -> str:
        """What a person is shown."""
        return self.title(self.job)

    def split(self) -> list[TimingSession[Origin]]:
        """A session for each group: what is left to try where a process came to no end."""
        groups: dict[str, list[TimingItem[Origin]]] = defaultdict(list)
        for item in self.items:
            groups[item.group].append(item)
        return [self._of(items) for items in groups.values()]

    def _of(self, items: Sequence[TimingItem[Origin]]) -> TimingSession[Origin]:
        own = {label for item in items for label in item.labels}
        others = {label for item in self.items for label in item.labels} - own
        others |= self.twins.keys()
        snapshots = {
            label: folder for label, folder in self.job.snapshots.items() if label not in others
        }
        job = replace(self.job, snapshots=snapshots, batches=batches_of(items))
        return replace(self, items=tuple(items), job=job, twins={})


def batches_of(items: Sequence[TimingItem[Origin]]) -> tuple[int, ...]:
    """The batch sizes at which a session of these items times all of its snapshots, rising."""
    return tuple(sorted({batch for item in items for batch in item.batches}))
