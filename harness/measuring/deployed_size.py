"""Deployed size: what a snapshot takes on a backend, on disk and in memory."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch
import zstandard
from msgspec import convert
from msgspec.json import Decoder, decode

from harness.contracts.backends import Approximate, OnDevice, Simulates
from harness.contracts.converters import LoadsFile
from harness.conversion.deployment import Deployment
from harness.conversion.equivalence import check_deviation, deviation
from harness.conversion.export import Exporter, architecture, converter_facts
from harness.machine.availability import why_unavailable
from harness.storage.checksums import CHECK
from harness.storage.files import ZSTD_LEVEL
from harness.storage.keys import digest, source_hash
from harness.training.sampling import drawn_images, example_batch
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from harness.contracts.backends import Backend
    from harness.planning.grid import Cell
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.level_result import LevelResult
    from harness.trials.spec import Dense


@dataclass(frozen=True, kw_only=True)
class ExportRecord:
    """Export record: the file that a backend loads, in 10^6 bytes, and its architecture.

    `batches` have a file of their own; `failure` is why there is no file. `deviation` is how far its
    outputs are from PyTorch's, None where that was not tried.
    """

    architecture: str = ""
    file_mb: float = 0.0
    file_compressed_mb: float = 0.0
    batches: list[int] = field(default_factory=list)
    deviation: float | None = None
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class DeployedSize:
    """Deployed size: the columns of a row for disk and memory, in 10^6 bytes; None where unknown."""

    architecture: str = ""
    file_mb: float | None = None
    file_compressed_mb: float | None = None
    memory_mb: float | None = None


class DeployedSizes:
    """Deployed sizes in `store`: export records and memory peaks."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._facts: dict[str, list[Any]] = {}

    def export(self, snapshot: str, model: nn.Module, *, dense: Dense, to: Deployment) -> None:
        """Export the files once and record the size of that for the smallest batch."""
        name, dataset, backend = dense.model.name, dense.dataset, to.backend
        folder = self._store.folder(snapshot)
        if isinstance(backend, LoadsFile):
            exporter = Exporter(name=name, dataset=dataset, store=self._store)
            # A converter may change what it is given, and other backends are still to see the model.
            given = copy.deepcopy(model)
            smallest, *_ = [
                exporter.file(backend.converter, given, batch=batch, folder=folder)
                for batch in sorted(to.fixed) or [1]
            ]
            raw, packed = len(smallest) / 1e6, len(zstandard.compress(smallest, ZSTD_LEVEL)) / 1e6
            images = drawn_images(dataset, "test", min(to.fixed, default=1), seed=0)
            off = _file_deviation(backend, smallest, model, images)
        else:
            off = None
            facts = read_facts(folder)
            raw, packed = facts.size_mb, facts.compressed_mb
        record = ExportRecord(
            architecture=architecture(model, example_batch(dataset, 1), name),
            file_mb=raw,
            file_compressed_mb=packed,
            batches=[*to.fixed],
            deviation=off,
        )
        self._store.write_record(self._file_key(snapshot, backend), asdict(record))

    def record_failure(self, snapshot: str, backend: Backend, reason: str) -> None:
        """Record why there is no file."""
        self._store.write_record(
            self._file_key(snapshot, backend), asdict(ExportRecord(failure=reason))
        )

    def export_record(self, snapshot: str, backend: Backend) -> ExportRecord | None:
        """Export record of a snapshot on a backend; None where nothing was recorded."""
        return self._store.record(self._file_key(snapshot, backend), Decoder(ExportRecord).decode)

    def architecture(self, snapshot: str, backend: Backend) -> str:
        """Architecture of a snapshot, as it was exported for a backend; its key where it was not."""
        record = self.export_record(snapshot, backend)
        return record.architecture if record and record.architecture else snapshot

    def pending_exports(self, snapshot: str, deployments: Sequence[Deployment]) -> list[Deployment]:
        """Pending exports: deployments that a snapshot has no files for yet."""
        return [
            to for to in deployments if not self._is_ready(self.export_record(snapshot, to.backend), to)
        ]

    def _is_ready(self, record: ExportRecord | None, to: Deployment) -> bool:
        return record is not None and not record.failure and {*to.fixed} <= {*record.batches}

    def record_peaks(self, key: str, peaks: Mapping[int, float | None]) -> None:
        """Record memory peaks in 10^6 bytes by batch size, under a key of `memory_key`."""
        self._store.write_record(key, {str(batch): peak for batch, peak in peaks.items()})

    def recorded_peaks(self, key: str) -> dict[int, float | None]:
        """Recorded memory peaks in 10^6 bytes by batch size; empty where there are none."""
        return self._store.record(key, _read_peaks) or {}

    def memory_key(self, record: ExportRecord, cell: Cell) -> str:
        """Memory key: names the peaks of an architecture on the cell's backend."""
        backend = cell.backend
        fixed = Deployment(backend=backend, batches=(cell.batch,)).fixed
        identity = cell.device.identity(backend)
        facts = [record.architecture, backend.name, *identity, cell.settings["threads"], *fixed]
        return f"memory-{type(backend).__name__}-{digest(facts)}"

    def of(self, cell: Cell, level: LevelResult) -> DeployedSize:
        """Deployed size of a level on the cell's backend, at its batch size and threads."""
        record = self.export_record(level.snapshot, cell.backend)
        if record is None or record.failure:
            return DeployedSize()
        peaks = self.recorded_peaks(self.memory_key(record, cell))
        return DeployedSize(
            architecture=record.architecture,
            file_mb=record.file_mb,
            file_compressed_mb=record.file_compressed_mb,
            memory_mb=peaks.get(cell.batch),
        )

    def _file_key(self, snapshot: str, backend: Backend) -> str:
        if backend.name not in self._facts:
            # Files are made where models are trained, which may be another machine than the device's.
            converter = converter_facts(backend.converter) if isinstance(backend, LoadsFile) else []
            self._facts[backend.name] = [source_hash(backend), *converter]
        facts = [snapshot, backend.name, *self._facts[backend.name]]
        return f"file-{type(backend).__name__}-{digest(facts)}"


def _read_peaks(record: bytes) -> dict[int, float | None]:
    peaks = {
        batch: peak for batch, peak in decode(record, type=dict[str, Any]).items() if batch != CHECK
    }
    return {int(batch): peak for batch, peak in convert(peaks, dict[str, float | None]).items()}


def _file_deviation(backend: Backend, file: bytes, model: nn.Module, images: Tensor) -> float | None:
    """Deviation of a file's outputs from the model's; None where the backend cannot tell here.

    A time is shared among models of one architecture, of which one alone is run while it is timed: the
    outputs of all are tried where they are made. What is approximate or simulated is evaluated whole.
    Raises HarnessError where they are further off than arithmetic explains.
    """
    elsewhere = isinstance(backend, Approximate | Simulates | OnDevice) or why_unavailable(backend)
    if elsewhere or not isinstance(backend, LoadsFile):
        return None
    with torch.no_grad():
        off = deviation(backend.load(file)(images), model(images))
    check_deviation(off, backend)
    return off
