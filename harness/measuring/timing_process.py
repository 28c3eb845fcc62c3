"""One timing process: dense, a hidden copy of dense and pruned snapshots, all in turn.

The process loads artifacts and the backend, never a criterion's code. Where weights lie in memory
moves a model's time, so what the hidden copy seems to save is noise, and several such processes make
a measurement.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from harness.contracts.converters import LoadsFile, SharesGraph
from harness.conversion.device_tensors import device_clock, from_host, to_device
from harness.conversion.equivalence import check_deviation, deviation
from harness.conversion.export import Exporter, load_on_backend
from harness.discovery.backend_file import BackendFile, open_backend
from harness.errors import HarnessError, failure_reason
from harness.machine.clock import CLOCK, Limits, interleave
from harness.machine.energy import joules
from harness.machine.load import LoadMonitor
from harness.machine.process_settings import ProcessSettings
from harness.measuring._snapshot_loading import load_models, trace_of
from harness.measuring.remembered_inputs import check_not_remembered
from harness.measuring.timing_results import COPY, DENSE, ProcessTiming
from harness.training.sampling import drawn_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from harness.contracts.backends import Backend, Run
    from harness.contracts.data import Dataset, Model
    from harness.contracts.meters import Meter
    from harness.storage.artifacts import ArtifactStore

INPUT_BATCHES = 4


@dataclass(frozen=True, kw_only=True)
class TimingJob:
    """What one timing process does; `snapshots` maps a label, `dense` among them, to a folder.

    `models` names the labels that another model than `model` is built for, `others` those that another
    backend than `backend` runs. `cores` pins the process where
    it is not empty.
    """

    backend: Backend
    model: Model
    dataset: Dataset
    store: ArtifactStore
    snapshots: Mapping[str, Path]
    batches: tuple[int, ...]
    threads: int
    limits: Limits
    seed: int
    cores: tuple[int, ...] = ()
    models: Mapping[str, Model] = field(default_factory=dict)
    others: Mapping[str, Backend | BackendFile] = field(default_factory=dict)
    meter: Meter | None = None


def time_snapshots(job: TimingJob) -> ProcessTiming:
    """Load every snapshot, time all of them in turn, and check the timed outputs against PyTorch's.

    A snapshot that cannot be loaded or returns wrong numbers is a failure and counts for nothing;
    without dense there is nothing to compare with and all fail.
    """
    began, load_monitor = CLOCK(), LoadMonitor()
    if job.cores:
        os.sched_setaffinity(0, job.cores)
    torch.set_num_threads(job.threads)
    settings = ProcessSettings.now()
    folders = {**job.snapshots, COPY: job.snapshots[DENSE]}
    # What is loaded first lies elsewhere than what is loaded last: another order in every process.
    order = random.Random(job.seed).sample(sorted(folders), len(folders))  # noqa: S311 -- an order
    traced = trace_of(job.model, job.dataset, folders.values())
    sources = [(folders[label], job.models.get(label, job.model)) for label in order]
    others = {label: open_backend(backend) for label, backend in job.others.items()}
    timed_models = [
        _TimedModel(
            label=label,
            folder=folders[label],
            model=model,
            backend=others.get(label, job.backend),
        )
        for label, model in zip(order, load_models(sources, job.dataset, traced=traced), strict=True)
    ]
    timing = ProcessTiming()
    ready: dict[str, Run] = {}
    with torch.no_grad():
        inputs = {batch: _inputs(job, batch) for batch in job.batches}
        # Before a backend sees any model, which it may change.
        expected = {
            batch: _expected(timed_models, images, timing.failures.setdefault(batch, {}))
            for batch, images in inputs.items()
        }
        for batch, images in inputs.items():
            _time_batch(
                job, timed_models, ready, images, expected[batch], timing=timing, settings=settings
            )
    timing.seconds = (CLOCK() - began) / 1e9
    timing.load = load_monitor.load()
    return timing


@dataclass(frozen=True, kw_only=True)
class _TimedModel:
    label: str
    folder: Path
    model: nn.Module = field(repr=False)
    backend: Backend


class _RecordingRun:
    """A run on one input that remembers its latest output, so that timed outputs can be checked."""

    def __init__(self, run: Run, images: Tensor, backend: Backend) -> None:
        self.output: Tensor | None = None
        self.given = to_device(images, backend)
        self.run = run

    def __call__(self) -> None:
        self.output = self.run(self.given)


def _inputs(job: TimingJob, batch: int) -> list[Tensor]:
    return [*drawn_images(job.dataset, "test", INPUT_BATCHES * batch, seed=job.seed).split(batch)]


def _expected(
    timed_models: Sequence[_TimedModel], inputs: Sequence[Tensor], failures: dict[str, str]
) -> dict[str, Sequence[Tensor]]:
    """PyTorch's outputs of each input, by label; why there are none goes to `failures`."""
    expected = dict[str, "Sequence[Tensor]"]()
    for timed in timed_models:
        try:
            outputs: Tensor = timed.model(torch.cat([*inputs]))
            expected[timed.label] = [*outputs.split(len(inputs[0]))]
        except Exception as error:
            failures[timed.label] = failure_reason(error)
    return expected


def _time_batch(
    job: TimingJob,
    timed_models: Sequence[_TimedModel],
    ready: dict[str, Run],
    inputs: Sequence[Tensor],
    expected: Mapping[str, Sequence[Tensor]],
    *,
    timing: ProcessTiming,
    settings: ProcessSettings,
) -> None:
    batch, runs = len(inputs[0]), dict[str, list[_RecordingRun]]()
    failures = timing.failures[batch]
    for timed in [timed for timed in timed_models if timed.label not in failures]:
        try:
            run = _prepared(job, timed, inputs[-1], ready, timing)
            _check(timed, from_host(run, timed.backend)(inputs[-1]), expected[timed.label][-1], timing)
            runs[timed.label] = [_RecordingRun(run, images, timed.backend) for images in inputs]
        except Exception as error:
            failures[timed.label] = failure_reason(error)
    if not failures.keys() & {DENSE, COPY}:
        interleaved = interleave(
            runs,
            reference=DENSE,
            limits=job.limits,
            seed=job.seed,
            elapsed=device_clock(job.backend),
        )
        timing.samples[batch] = interleaved.samples
        failures |= _wrong_outputs(runs, timed_models, expected, timing)
        failures |= _cheated_clock(runs[DENSE], job.backend, settings)
        if job.meter is not None:
            timing.joules[batch] = {label: joules(job.meter, own) for label, own in runs.items()}
    reasons = [failures[label] for label in (DENSE, COPY) if label in failures]
    if reasons:
        reason = f"dense could not be run: {reasons[0]}"
        failures.update(dict.fromkeys([timed.label for timed in timed_models], reason))


def _wrong_outputs(
    runs: Mapping[str, Sequence[_RecordingRun]],
    timed_models: Sequence[_TimedModel],
    expected: Mapping[str, Sequence[Tensor]],
    timing: ProcessTiming,
) -> dict[str, str]:
    """Labels whose latest timed output of any input is not PyTorch's, with how far it is off."""
    wrong = {}
    for timed in timed_models:
        outputs = zip(runs.get(timed.label, ()), expected.get(timed.label, ()), strict=False)
        for run, wanted in outputs:
            try:
                if run.output is not None:
                    _check(timed, run.output, wanted, timing)
            except HarnessError as error:
                wrong[timed.label] = str(error)
    return wrong


def _cheated_clock(
    runs: Sequence[_RecordingRun], backend: Backend, settings: ProcessSettings
) -> dict[str, str]:
    """Why times are none of this job's, under the label of dense; nothing where they are."""
    if change := settings.change():
        return {DENSE: f"{backend.name} {change}"}
    try:
        check_not_remembered(runs[0].run, runs[0].given, backend)
    except Exception as error:
        return {DENSE: f"{backend.name}: {failure_reason(error)}"}
    return {}


def _prepared(
    job: TimingJob, timed: _TimedModel, inputs: Tensor, ready: dict[str, Run], timing: ProcessTiming
) -> Run:
    """The model on the backend; a file that serves every batch size is loaded once."""
    label, backend = timed.label, timed.backend
    if isinstance(backend, LoadsFile):
        if isinstance(backend.converter, SharesGraph) and label in ready:
            return ready[label]
        model = job.models.get(label, job.model)
        exporter = Exporter(name=model.name, dataset=job.dataset, store=job.store)
        file = exporter.file(backend.converter, timed.model, batch=len(inputs), folder=timed.folder)
        began = CLOCK()
        run = backend.load(file)
    else:
        began = CLOCK()
        run = load_on_backend(backend, timed.model, inputs)
    there = CLOCK()
    from_host(run, backend)(inputs)
    timing.load_ms.setdefault(label, (there - began) / 1e6)
    timing.first_ms.setdefault(label, (CLOCK() - there) / 1e6)
    ready[label] = run
    return run


def _check(timed: _TimedModel, output: Tensor, expected: Tensor, timing: ProcessTiming) -> None:
    """Raises HarnessError where outputs are not PyTorch's; how far they are off is kept."""
    off = deviation(output, expected)
    timing.deviations[timed.label] = max(off, timing.deviations.get(timed.label, 0.0))
    check_deviation(off, timed.backend)
