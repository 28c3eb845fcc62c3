"""What a backend makes of a snapshot, speed here aside: its own accuracy, a simulator's figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from msgspec.json import Decoder

from harness.contracts.backends import Approximate, Simulated, Simulates, shares_time
from harness.contracts.converters import LoadsFile
from harness.conversion.device_tensors import from_host
from harness.conversion.equivalence import check_deviation, deviation
from harness.conversion.export import Exporter, architecture, load_on_backend
from harness.errors import failure_reason
from harness.machine.device import Device
from harness.machine.time_breakdown import JobResult, TimeBreakdown
from harness.storage.bits import encode_bits
from harness.storage.keys import digest
from harness.training.evaluation import evaluate_run
from harness.training.sampling import drawn_images, example_batch
from harness.trials.snapshot import load_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from harness.contracts.backends import Backend, Run
    from harness.planning.grid import Cell
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.spec import Dense


@dataclass(frozen=True, kw_only=True)
class BackendEvaluation:
    """Accuracy and figures of a snapshot on a backend; `failure` is why there are no more of them.

    `top1` and `correct` are of the backend's own outputs, as in a snapshot's facts.
    """

    top1: float | None = None
    correct: str = ""
    deviation: float | None = None
    simulated: dict[int, Simulated] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class EvaluationJob:
    """One snapshot on one backend."""

    dense: Dense
    snapshot: str
    backend: Backend
    batches: Sequence[int]
    store: ArtifactStore
    device: Device = Device()

    @property
    def label(self) -> str:
        """What a person is shown."""
        return f"{self.snapshot} on {self.backend.name}"


@dataclass(frozen=True, kw_only=True)
class EvaluationResult(JobResult):
    """What the job hands back."""

    evaluation: BackendEvaluation


def needs_evaluation(backend: Backend) -> bool:
    """Whether there is anything to find out that timing does not."""
    return isinstance(backend, Approximate | Simulates)


def evaluate_on_backend(job: EvaluationJob) -> EvaluationResult:
    """Keep the evaluation; an error becomes the reason why there is nothing in it."""
    time_breakdown = TimeBreakdown()
    torch.set_num_threads(1)
    with time_breakdown.counting("inspecting"):
        try:
            evaluation = _evaluate(job)
        except (Exception, SystemExit) as error:
            evaluation = BackendEvaluation(failure=failure_reason(error))
    if not evaluation.failure:
        job.store.write_record(_key(job), asdict(evaluation))
    return EvaluationResult(time_breakdown=time_breakdown, evaluation=evaluation)


def kept_evaluation(job: EvaluationJob) -> BackendEvaluation | None:
    """What `evaluate_on_backend` kept; None where it kept nothing, or not of all batch sizes."""
    evaluation = job.store.record(_key(job), Decoder(BackendEvaluation).decode)
    if evaluation is None or not isinstance(job.backend, Simulates):
        return evaluation
    return evaluation if {*job.batches} <= evaluation.simulated.keys() else None


def _evaluate(job: EvaluationJob) -> BackendEvaluation:
    dense, backend, batch = job.dense, job.backend, max(job.batches)
    model = load_model(job.store.folder(job.snapshot), dense.model, dense.dataset)
    exporter = Exporter(name=dense.model.name, dataset=dense.dataset, store=job.store)
    images = drawn_images(dense.dataset, "test", batch, seed=0)
    with torch.no_grad():
        # Before the backend sees the model, which it may change.
        expected = model(images)
        run = from_host(_run(job, exporter, model, images), backend)
        off = deviation(run(images), expected)
    check_deviation(off, backend)
    own: dict[str, Any] = {}
    if isinstance(backend, Approximate):
        evaluation = evaluate_run(_padded(run, batch), dense.dataset, batch=batch)
        own = {"top1": evaluation.top1, "correct": encode_bits(evaluation.correct.numpy())}
    return BackendEvaluation(deviation=off, simulated=_simulated(job, exporter, model), **own)


def _run(job: EvaluationJob, exporter: Exporter, model: nn.Module, images: Tensor) -> Run:
    if not isinstance(job.backend, LoadsFile):
        return load_on_backend(job.backend, model, images)
    folder = job.store.folder(job.snapshot)
    return job.backend.load(
        exporter.file(job.backend.converter, model, batch=len(images), folder=folder)
    )


def _padded(run: Run, batch: int) -> Run:
    """The same for fewer images than a file may take."""

    def padded(images: Tensor) -> Tensor:
        missing = batch - len(images)
        given = (
            torch.cat([images, images[:1].expand(missing, *images.shape[1:])]) if missing else images
        )
        return run(given)[: len(images)]

    return padded


def _simulated(job: EvaluationJob, exporter: Exporter, model: nn.Module) -> dict[int, Simulated]:
    backend = job.backend
    if not isinstance(backend, Simulates) or not isinstance(backend, LoadsFile):
        return {}
    figures = {}
    for batch in job.batches:
        key = simulation_key(job, model, batch=batch)
        simulated = job.store.record(key, Decoder(Simulated).decode)
        if simulated is None:
            folder = job.store.folder(job.snapshot)
            file = exporter.file(backend.converter, model, batch=batch, folder=folder)
            simulated = backend.simulate(file)
            job.store.write_record(key, asdict(simulated))
        figures[batch] = simulated
    return figures


def simulation_key(job: EvaluationJob, model: nn.Module, *, batch: int) -> str:
    """Under which a simulator's figures are kept, by architecture where it reads no weights."""
    backend, dense = job.backend, job.dense
    alike = architecture(model, example_batch(dense.dataset, 1), dense.model.name)
    facts = [
        alike if shares_time(backend) else job.snapshot,
        batch,
        backend.name,
        *job.device.identity(backend),
    ]
    return f"simulated-{type(backend).__name__}-{digest(facts)}"


def _key(job: EvaluationJob) -> str:
    facts = [job.snapshot, job.backend.name, *job.device.identity(job.backend)]
    return f"inspected-{type(job.backend).__name__}-{digest(facts)}"


@dataclass(frozen=True, kw_only=True)
class BackendEvaluations:
    """Of several snapshots, by their key and the backend's name."""

    by_snapshot: Mapping[tuple[str, str], BackendEvaluation] = field(default_factory=dict)

    def of(self, snapshot: str, backend: Backend) -> BackendEvaluation:
        """That of a snapshot; an empty one where its backend does nothing but time it."""
        return self.by_snapshot.get((snapshot, backend.name), BackendEvaluation())

    def failure(self, snapshot: str, cell: Cell) -> str:
        """Why a snapshot has no row on the cell's backend; empty where it can have one."""
        dense = self.of(cell.dense.key, cell.backend).failure
        return self.of(snapshot, cell.backend).failure or (f"dense: {dense}" if dense else "")
