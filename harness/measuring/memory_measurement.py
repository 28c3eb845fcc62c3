"""Peak memory of inference, each architecture and backend in a fresh process.

A probe loads a file that another process made, so that nothing but the deployed model and its runtime
is in its memory: no dense weights, no tracing, no PyTorch tensors where the backend has its own.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cloudpickle
import torch

from harness.contracts.converters import LoadsFile
from harness.conversion.export import Exporter, convert, load_on_backend
from harness.errors import HarnessError, failure_reason
from harness.machine.memory import PeakMemory
from harness.machine.time_breakdown import JobResult, TimeBreakdown
from harness.measuring._snapshot_loading import trace_of
from harness.training.sampling import example_batch
from harness.training.synthetic import NoiseImages, residual_network
from harness.trials.snapshot import load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from harness.contracts.backends import Backend, Run
    from harness.networks.channel_groups import CutsCopies
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.spec import Dense

RUNS_PER_BATCH = 2
"""The second run may need memory that the first made the runtime plan for."""


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """What a probe loads of a snapshot, to be written to `path`; of the specimen where it is empty.

    `batch` is what it must serve, where a file serves only one batch size.
    """

    dense: Dense
    snapshot: str
    backend: Backend
    batch: int
    store: ArtifactStore
    path: Path


@dataclass(frozen=True, kw_only=True)
class WriteResult(JobResult):
    """Why files could not be written, by path."""

    failures: dict[Path, str]


@dataclass(frozen=True, kw_only=True)
class MemoryJob:
    """Measure the model in `file`, after the specimen's, at rising batch sizes of `(n, *shape)`.

    `warm_up` are the specimen's batch sizes: runtimes have other code for one image than for several.
    """

    backend: Backend
    file: Path
    warm_up_file: Path
    shape: tuple[int, int, int]
    batches: tuple[int, ...]
    warm_up: tuple[int, ...]
    threads: int


@dataclass(frozen=True, kw_only=True)
class MemoryPeaks(JobResult):
    """Peaks in 10^6 bytes by batch size, and why there are no more of them."""

    peaks: dict[int, float | None]
    failure: str = ""


def write_files(files: Sequence[ModelFile]) -> WriteResult:
    """Make what a deployment would have on disk: the backend's file, or the whole PyTorch module."""
    time_breakdown = TimeBreakdown()
    failures = {}
    torch.set_num_threads(1)
    with time_breakdown.counting("memory"):
        traced = _traced_models(files)
        for file in files:
            try:
                _write(file, traced.get(file.dense.key))
            except Exception as error:
                failures[file.path] = failure_reason(error)
                file.path.unlink(missing_ok=True)
    return WriteResult(time_breakdown=time_breakdown, failures=failures)


def _traced_models(files: Sequence[ModelFile]) -> dict[str, CutsCopies | None]:
    """What cuts the snapshots of each dense model, which is traced once."""
    folders: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        if file.snapshot:
            folders[file.dense.key].append(file.store.folder(file.snapshot))
    models = {file.dense.key: file.dense for file in files}
    return {key: trace_of(models[key].model, models[key].dataset, own) for key, own in folders.items()}


def _write(file: ModelFile, traced: CutsCopies | None) -> None:
    if not isinstance(file.backend, LoadsFile):
        # Also of classes that other processes cannot import, as those that a function makes.
        torch.save(_model(file, traced), file.path, pickle_module=cloudpickle)
        return
    converter, dense = file.backend.converter, file.dense
    if file.snapshot:
        exporter = Exporter(name=dense.model.name, dataset=dense.dataset, store=file.store)
        folder = file.store.folder(file.snapshot)
        content = exporter.file(converter, _model(file, traced), batch=file.batch, folder=folder)
    else:
        content = convert(converter, residual_network(), example_batch(NoiseImages(), file.batch))
    file.path.write_bytes(content)


def _model(file: ModelFile, traced: CutsCopies | None) -> nn.Module:
    if not file.snapshot:
        return residual_network()
    folder, dense = file.store.folder(file.snapshot), file.dense
    return load_model(folder, dense.model, dense.dataset, traced=traced)


def measure_peaks(job: MemoryJob) -> MemoryPeaks:
    """Peaks at the batch sizes that the model runs at, up to the first that it does not."""
    time_breakdown = TimeBreakdown()
    peaks: dict[int, float | None] = {}
    failure = ""
    torch.set_num_threads(job.threads)
    with time_breakdown.counting("memory"), torch.no_grad():
        try:
            _warm_up(job)
            # Pair by pair, so that what is known before something raises stays.
            peaks.update(_peaks(job.backend, job.file, shape=job.shape, batches=job.batches))
        except Exception as error:
            failure = failure_reason(error)
    return MemoryPeaks(time_breakdown=time_breakdown, peaks=peaks, failure=failure)


def _warm_up(job: MemoryJob) -> None:
    """Have the runtime's code and scratch memory there before the model is."""
    ran: dict[int, float | None] = {}
    with suppress(Exception):
        # Some runtimes take one image at a time.
        ran.update(
            _peaks(job.backend, job.warm_up_file, shape=NoiseImages().shape, batches=job.warm_up)
        )
    if not ran:
        raise HarnessError("the runtime does not run the small model that warms it up")


def _peaks(
    backend: Backend, file: Path, *, shape: tuple[int, int, int], batches: tuple[int, ...]
) -> Iterator[tuple[int, float | None]]:
    inputs = {batch: torch.randn(batch, *shape) for batch in sorted(batches)}
    # The bytes stay: memory of theirs that came free would be used again and count for nothing.
    content = file.read_bytes() if isinstance(backend, LoadsFile) else None
    memory = PeakMemory()
    prepared = _loaded(backend, file, content)
    for batch, images in inputs.items():
        run = prepared(images)
        for _ in range(RUNS_PER_BATCH):
            run(images)
        yield batch, memory.added_mb()


def _loaded(backend: Backend, file: Path, content: bytes | None) -> Callable[[Tensor], Run]:
    """From an example to a run on it."""
    if isinstance(backend, LoadsFile) and content is not None:
        run = backend.load(content)
        return lambda _: run
    # Unpickling runs code, here that of a file which `write_files` has just written.
    model = torch.load(file, weights_only=False)  # nosec B614 # written just now
    return lambda images: load_on_backend(backend, model, images)
