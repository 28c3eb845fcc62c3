"""Timing sessions: which snapshots take turns in the same processes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.machine.device import device_slot
from harness.measuring.file_chunks import file_chunks
from harness.measuring.timing_process import TimingJob
from harness.measuring.timing_results import DENSE
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.contracts.meters import Meter
    from harness.machine.clock import Limits
    from harness.machine.device import Device, DeviceSlot
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.grid import Cell
    from harness.trials.level_result import LevelResult

Origin = TypeVar("Origin")
ReadyCell = tuple["Cell", "LevelResult"]

MAX_SNAPSHOTS = 32


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

    Snapshots of no item, as dense, belong to all; `title` says what a person is shown of a job.
    """

    items: tuple[TimingItem[Origin], ...]
    job: TimingJob
    device: Device
    title: Callable[[TimingJob], str]

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
        snapshots = {
            label: folder for label, folder in self.job.snapshots.items() if label not in others
        }
        job = replace(self.job, snapshots=snapshots, batches=batches_of(items))
        return replace(self, items=tuple(items), job=job)


def batches_of(items: Sequence[TimingItem[Origin]]) -> tuple[int, ...]:
    """The batch sizes at which a session of these items times all of its snapshots, rising."""
    return tuple(sorted({batch for item in items for batch in item.batches}))


def plan_sessions(
    ready: Sequence[ReadyCell],
    *,
    store: ArtifactStore,
    limits: Limits,
    cores: tuple[int, ...] = (),
    meter: Meter | None = None,
) -> list[TimingSession[ReadyCell]]:
    """As many snapshots together as fit: dense is timed once for all of them.

    Sessions are of one dense model, one backend and one number of threads, which the cells say.
    """

    def snapshot_file(pair: ReadyCell) -> tuple[str, float]:
        snapshot = pair[1].snapshot
        return snapshot, read_facts(store.folder(snapshot)).size_mb

    groups: dict[tuple[str, str, int], list[ReadyCell]] = defaultdict(list)
    for cell, level in ready:
        groups[cell.dense.key, cell.backend.name, cell.settings["threads"]].append((cell, level))
    return [
        _session(chunk, store=store, limits=limits, cores=cores, meter=meter)
        for group in groups.values()
        for chunk in file_chunks(
            sorted(group, key=lambda pair: pair[0].subject.label),
            snapshot_file,
            max_files=MAX_SNAPSHOTS,
        )
    ]


def _session(
    ready: Sequence[ReadyCell],
    *,
    store: ArtifactStore,
    limits: Limits,
    cores: tuple[int, ...],
    meter: Meter | None,
) -> TimingSession[ReadyCell]:
    first, _ = ready[0]
    dense, backend = first.dense, first.backend
    items = [_item(cell, level) for cell, level in ready]
    pruned = {label: store.folder(label) for item in items for label in item.labels}
    job = TimingJob(
        backend=backend,
        model=dense.model,
        dataset=dense.dataset,
        store=store,
        snapshots={DENSE: store.folder(dense.key), **pruned},
        batches=batches_of(items),
        threads=first.settings["threads"],
        limits=limits,
        seed=dense.seed,
        cores=cores,
        meter=meter if meter is not None and meter.meters(backend) else None,
    )
    return TimingSession(items=tuple(items), job=job, device=first.device, title=_title)


def _item(cell: Cell, level: LevelResult) -> TimingItem[ReadyCell]:
    """A cell's; that of the dense model itself has no snapshot of its own."""
    own = () if level.snapshot == cell.dense.key else (level.snapshot,)
    return TimingItem(origin=(cell, level), labels=own, batches=(cell.batch,), group=cell.subject.key)


def _title(job: TimingJob) -> str:
    count = len(job.snapshots) - 1
    what = f"dense and {count} snapshots" if count else "dense"
    return f"{job.model.name} seed {job.seed} on {job.backend.name}: {what}"
