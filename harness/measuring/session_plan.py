"""Session plan: which models share a time, and which of them take turns in the same processes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.contracts.backends import shares_time
from harness.measuring.deployed_size import DeployedSizes
from harness.measuring.file_chunks import file_chunks
from harness.measuring.timing_process import TimingJob
from harness.measuring.timing_results import DENSE
from harness.measuring.timing_session import TimingItem, TimingSession, batches_of
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contracts.meters import Meter
    from harness.machine.clock import Limits
    from harness.measuring.timing_session import ReadyCell
    from harness.storage.artifacts import ArtifactStore

MAX_MODELS = 32
MAX_TWINS = 2
"""Models of a session that are timed though another stands for their architecture, as a check."""


@dataclass(frozen=True, kw_only=True)
class TimedCell:
    """A cell with the label of what is timed for it: dense, or the model of its architecture."""

    ready: ReadyCell
    label: str

    @property
    def snapshot(self) -> str:
        """Key of the cell's own snapshot."""
        return self.ready[1].snapshot

    @property
    def is_masked(self) -> bool:
        """Whether it is a pruned model of dense's architecture, as one whose weights are zero."""
        return self.label == DENSE and self.snapshot != self.ready[0].dense.key

    @property
    def is_twin(self) -> bool:
        """Whether another model stands for it."""
        return self.is_masked or self.label not in (DENSE, self.snapshot)


def plan_sessions(
    ready: Sequence[ReadyCell],
    *,
    store: ArtifactStore,
    limits: Limits,
    cores: tuple[int, ...] = (),
    meter: Meter | None = None,
    shared: Sequence[ReadyCell] = (),
) -> list[TimingSession[ReadyCell]]:
    """Plan sessions: as many models together as fit, dense timed once for all of them.

    Sessions are of one dense architecture, one backend and one number of threads, which the cells say;
    where values of weights decide the time, of one dense model. `shared` cells have a time already, and
    may be twins of what is timed.
    """

    def model_file(timed: TimedCell) -> tuple[str, float]:
        name = timed.ready[0].dense.key if timed.label == DENSE else timed.label
        return timed.label, read_facts(store.folder(name)).size_mb

    deployed_sizes = DeployedSizes(store)
    known = _groups(shared, deployed_sizes)
    return [
        _session(chunk, known.get(key, []), store=store, limits=limits, cores=cores, meter=meter)
        for key, group in _groups(ready, deployed_sizes).items()
        for chunk in file_chunks(
            sorted(group, key=lambda timed: (timed.label != DENSE, timed.label)),
            model_file,
            max_files=MAX_MODELS,
        )
    ]


def _groups(
    ready: Sequence[ReadyCell], deployed_sizes: DeployedSizes
) -> dict[tuple[Any, ...], list[TimedCell]]:
    """Timed cells by what a session is of."""
    groups: dict[tuple[Any, ...], list[tuple[ReadyCell, str]]] = defaultdict(list)
    for cell, level in ready:
        alike, dense = level.snapshot, cell.dense.key
        if shares_time(cell.backend):
            alike, dense = (
                deployed_sizes.architecture(snapshot, cell.backend) for snapshot in (alike, dense)
            )
        key = cell.dense.model.name, cell.dense.dataset.name, dense, cell.backend.name
        groups[*key, cell.settings["threads"]].append(((cell, level), alike))
    return {key: _timed_cells(cells, dense=key[2]) for key, cells in groups.items()}


def _timed_cells(cells: Sequence[tuple[ReadyCell, str]], *, dense: str) -> list[TimedCell]:
    """Timed cells of a group; of several models of one architecture the first by name stands for it."""
    first: dict[str, str] = {}
    for (_, level), alike in cells:
        first[alike] = min(level.snapshot, first.get(alike, level.snapshot))
    return [
        TimedCell(ready=ready, label=DENSE if alike == dense else first[alike])
        for ready, alike in cells
    ]


def _session(
    timed: Sequence[TimedCell],
    known: Sequence[TimedCell],
    *,
    store: ArtifactStore,
    limits: Limits,
    cores: tuple[int, ...],
    meter: Meter | None,
) -> TimingSession[ReadyCell]:
    first, _ = timed[0].ready
    dense, backend = first.dense, first.backend
    masked = [one for one in known if one.is_masked]
    items, twins = [_item(one) for one in timed], _twins([*timed, *masked])
    labels = dict.fromkeys([*(label for item in items for label in item.labels), *twins])
    job = TimingJob(
        backend=backend,
        model=dense.model,
        dataset=dense.dataset,
        store=store,
        snapshots={
            DENSE: store.folder(dense.key),
            **{label: store.folder(label) for label in labels},
        },
        models={
            one.snapshot: one.ready[0].network.model
            for one in (*timed, *masked)
            if one.snapshot in labels and one.ready[0].network.key != one.ready[0].dense.key
        },
        batches=batches_of(items),
        threads=first.settings["threads"],
        limits=limits,
        seed=dense.seed,
        cores=cores,
        meter=meter if meter is not None and meter.meters(backend) else None,
    )
    return TimingSession(items=tuple(items), job=job, device=first.device, title=_title, twins=twins)


def _item(timed: TimedCell) -> TimingItem[ReadyCell]:
    """Item of a cell; what has dense's architecture has no label of its own."""
    own = () if timed.label == DENSE else (timed.label,)
    cell, _ = timed.ready
    return TimingItem(origin=timed.ready, labels=own, batches=(cell.batch,), group=timed.label)


def _twins(timed: Sequence[TimedCell]) -> Mapping[str, str]:
    """Twins to time as well, and the label of what has their architecture: zeros first."""
    by_label: dict[str, list[TimedCell]] = defaultdict(list)
    for one in timed:
        if one.is_twin:
            by_label[one.label].append(one)
    likeliest = sorted(by_label.items(), key=lambda pair: (pair[0] != DENSE, -len(pair[1])))
    return {
        max(cells, key=lambda one: (one.ready[1].sparsity, one.snapshot)).snapshot: label
        for label, cells in likeliest[:MAX_TWINS]
    }


def _title(job: TimingJob) -> str:
    count = len(job.snapshots) - 1
    what = f"dense and {count} model{'s' if count > 1 else ''}" if count else "dense"
    return f"{job.model.name} on {job.backend.name}: {what}"
