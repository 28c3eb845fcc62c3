"""What a snapshot takes: its file, and the memory of its architecture, each found once."""

import io
from dataclasses import dataclass, replace
from functools import partial

import pytest
import torch
import zstandard

from harness.conversion.deployment import Deployment
from harness.conversion.export import Exporter
from harness.discovery.loading import discover
from harness.engines.pool import WorkerPool
from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.deployed_size import DeployedSize, DeployedSizes
from harness.planning.grid import Cell
from harness.runs._memory_phase import measure_memory, pending_peaks
from harness.runs._training_jobs import DenseJob, TrialJob, run_dense, run_trial
from harness.training.synthetic import ResidualNetwork
from harness.trials.level_result import level_result
from harness.trials.snapshot import load_model, read_facts
from tests.doubles import DiesAtFour, Notes, Nowhere, local_engine

EAGER = discover().configured("backend", "eager_cpu", None)
ONNX = discover().configured("backend", "onnxruntime_cpu", None)
TO_ONNX = Deployment(backend=ONNX, batches=[1])


def made(trial, store, *backends):
    """Train the dense model and walk the trial as workers do, exports included."""
    deployments = [Deployment(backend=backend, batches=[1, 4]) for backend in backends]
    run_dense(DenseJob(dense=trial.dense, store=store, deployments=deployments))
    return run_trial(TrialJob(trial=trial, store=store, deployments=deployments))


def members(trial, store, *backends, batches=(1, 4)):
    levels = [level_result(trial, sparsity, store) for sparsity in trial.levels]
    return [
        (
            Cell(
                subject=trial,
                sparsity=level.sparsity,
                backend=backend,
                batch=batch,
                settings={"threads": 1},
                key="",
            ),
            level,
        )
        for level in levels
        for backend in backends
        for batch in batches
    ]


@pytest.fixture
def prober(store, tmp_path):
    workers = WorkerPool(
        engine=local_engine(tmp_path), observer=Notes(), time_breakdown=TimeBreakdown()
    )
    return partial(measure_memory, pool=workers, store=store), workers


def test_the_file_is_what_the_backend_loads(trial, store):
    made(trial, store, EAGER, ONNX)
    for sparsity in trial.levels:
        snapshot = level_result(trial, sparsity, store).snapshot
        facts, eager = (
            read_facts(store.folder(snapshot)),
            DeployedSizes(store).export_record(snapshot, EAGER),
        )
        assert (eager.file_mb, eager.file_compressed_mb) == (facts.size_mb, facts.compressed_mb)
        dense = trial.dense
        model = load_model(store.folder(snapshot), dense.model, dense.dataset)
        exporter = Exporter(name=dense.model.name, dataset=dense.dataset, store=store)
        file = exporter.file(ONNX.converter, model, batch=1, folder=store.folder(snapshot))
        found = DeployedSizes(store).export_record(snapshot, ONNX)
        assert found.file_mb == len(file) / 1e6
        assert found.file_compressed_mb == len(zstandard.compress(file, 3)) / 1e6
        assert found.architecture == eager.architecture


def test_zeros_compress_and_do_not_shrink_the_file(trial, store):
    made(trial, store, ONNX)
    half, tenth = (
        DeployedSizes(store).export_record(level_result(trial, sparsity, store).snapshot, ONNX)
        for sparsity in trial.levels
    )
    assert half.file_mb == tenth.file_mb
    assert half.file_compressed_mb > tenth.file_compressed_mb


def test_a_folder_from_before_gets_its_records_without_training_again(trial, store):
    first = made(trial, store)
    assert first.time_breakdown.seconds["training"] > 0
    snapshots = [trial.dense.key, *(level_result(trial, s, store).snapshot for s in trial.levels)]
    assert all(
        DeployedSizes(store).pending_exports(snapshot, [TO_ONNX]) == [TO_ONNX] for snapshot in snapshots
    )
    again = made(trial, store, ONNX)
    assert set(again.time_breakdown.seconds) == {"starting", "exporting"}
    assert all(
        DeployedSizes(store).pending_exports(snapshot, [TO_ONNX]) == [] for snapshot in snapshots
    )
    assert made(trial, store, ONNX).time_breakdown.seconds.keys() == {"starting"}


def test_masked_twins_share_one_probe_and_smaller_models_have_their_own(trial, channel_trial, store):
    cut = channel_trial
    made(trial, store, EAGER, ONNX)
    made(cut, store, EAGER, ONNX)
    found = list(pending_peaks(members(trial, store, EAGER, ONNX), store))
    assert [(t.cell.backend.name, t.batches) for t in found] == [
        ("eager_cpu", (1, 4)),
        ("onnxruntime_cpu", (1, 4)),
    ]
    everything = [*members(trial, store, EAGER, ONNX), *members(cut, store, EAGER, ONNX)]
    assert len(list(pending_peaks(everything, store))) == 2 * (1 + len(cut.levels))


def test_peaks_are_measured_once_and_rise_with_the_batch(trial, store, prober):
    made(trial, store, EAGER, ONNX)
    measure, workers = prober
    pending = members(trial, store, EAGER, ONNX, batches=(1, 64))
    measure(pending)
    taken = [DeployedSizes(store).of(cell, level) for cell, level in pending]
    assert len(taken) == 8
    for small, large in zip(taken[::2], taken[1::2], strict=True):
        assert 0 < small.memory_mb < large.memory_mb
    assert taken[:4] != taken[4:]
    assert [t.memory_mb for t in taken[:4]] == [t.memory_mb for t in taken[4:]]
    assert set(workers.time_breakdown.seconds) <= {"memory", "waiting"}
    assert list(pending_peaks(pending, store)) == []
    assert [path.name for path in store.root.iterdir() if path.name.startswith(".tmp")] == []


def test_a_batch_size_asked_for_later_is_measured_with_the_others(trial, store, prober):
    made(trial, store, EAGER)
    prober[0](members(trial, store, EAGER, batches=(1,)))
    [peaks] = pending_peaks(members(trial, store, EAGER, batches=(4,)), store)
    assert peaks.batches == (1, 4)


@dataclass(frozen=True)
class Local:
    """A model of a class that only one function knows; a `spoilt` one cannot be written to a file."""

    spoilt: bool = False
    name: str = "local"

    def build(self, dataset):
        class Network(ResidualNetwork):
            pass

        network = Network()
        if self.spoilt:
            network.kept = Unpicklable()
        return network


class Unpicklable:
    """What can be copied and not be written."""

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        raise TypeError("not to be written")


def test_a_model_of_a_class_inside_a_function_is_measured_too(trial, store, prober):
    local = replace(trial, dense=replace(trial.dense, model=Local()))
    made(local, store, EAGER)
    prober[0](members(local, store, EAGER))
    cell, level = members(local, store, EAGER)[0]
    assert DeployedSizes(store).of(cell, level).memory_mb > 0


def test_a_file_that_cannot_be_written_is_a_note_and_not_probed(trial, store, prober):
    spoilt = replace(trial, dense=replace(trial.dense, model=Local(spoilt=True)))
    made(spoilt, store, EAGER)
    measure, workers = prober
    measure(members(spoilt, store, EAGER))
    [_, note] = workers.observer.notes
    assert "cannot be measured: TypeError: not to be written" in note


def test_a_probe_that_dies_leaves_a_note_and_the_others_go_on(trial, store, prober):
    made(trial, store, DiesAtFour(), EAGER)
    measure, workers = prober
    pending = members(trial, store, DiesAtFour(), EAGER, batches=(1, 4))
    measure(pending)
    assert any("its process ended with exit code 9" in note for note in workers.observer.notes)
    for cell, level in pending:
        peak = DeployedSizes(store).of(cell, level).memory_mb
        assert (peak is None) == isinstance(cell.backend, DiesAtFour)


def test_what_is_known_before_a_refused_batch_size_stays(trial, store, prober):
    made(trial, store, DiesAtFour())
    measure, workers = prober
    pending = members(trial, store, DiesAtFour(), batches=(1, 8))
    measure(pending)
    assert any("seven at most" in note for note in workers.observer.notes)
    peaks = [DeployedSizes(store).of(cell, level).memory_mb for cell, level in pending]
    assert [peak is None for peak in peaks] == [False, True, False, True]


class NoFiles:
    """Exports nothing."""

    name = "nothing"
    suffix = ".none"
    version = "1"

    def export(self, model, example):
        raise RuntimeError("no such operator")

    def fill(self, graph, model):
        raise RuntimeError("no such operator")


class Unwilling:
    """Has no file to load."""

    name = "unwilling"
    converter = NoFiles()
    unavailable, describe = Nowhere.unavailable, Nowhere.describe

    def load(self, file):
        raise RuntimeError("no such file")


def test_what_cannot_be_exported_has_no_footprint_and_is_not_probed(trial, store):
    made(trial, store, Unwilling())
    pending = members(trial, store, Unwilling())
    assert {DeployedSizes(store).of(cell, level) for cell, level in pending} == {DeployedSize()}
    assert list(pending_peaks(pending, store)) == []


class SpoilingConverter:
    """Writes a model down, then zeroes a layer of what it was given, as a careless fusion would."""

    name, version, suffix = "spoiling", "1", ".pt"

    def convert(self, model, images, *, batch):
        content = io.BytesIO()
        torch.save(model.state_dict(), content)
        model.classifier.weight.data.zero_()
        return content.getvalue()


class LoadsSpoiled(Nowhere):
    """Runs what that wrote down."""

    name = "loads_spoiled"
    prepare = None
    converter = SpoilingConverter()

    def load(self, file):
        model = ResidualNetwork().eval()
        model.load_state_dict(torch.load(io.BytesIO(file), weights_only=True))
        return model


def test_a_converter_that_changes_a_model_spoils_it_for_nobody_else(trial, trained):
    dense = trial.dense
    model = load_model(trained.folder(dense.key), dense.model, dense.dataset)
    sizes = DeployedSizes(trained)
    sizes.export(dense.key, model, dense=dense, to=Deployment(backend=LoadsSpoiled(), batches=[1]))
    assert model.classifier.weight.any()
    assert sizes.export_record(dense.key, LoadsSpoiled()).deviation < 1e-6
