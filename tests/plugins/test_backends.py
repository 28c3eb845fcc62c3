"""The built-in backends beyond what the conformance kit asks of each."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

import harness
from harness.conversion.export import Exporter, convert, load_on_backend
from harness.discovery.loading import discover
from harness.measuring.backend_evaluation import (
    BackendEvaluation,
    EvaluationJob,
    evaluate_on_backend,
    kept_evaluation,
)
from harness.training.evaluation import evaluate
from harness.trials.snapshot import load_model
from harness_plugins.backends import sparse_cpu
from tests.doubles import Wrong, run_trial

CATALOGUE = discover()


def backend(name):
    [found] = CATALOGUE.choose("backend", name)
    return found


def job(dense, store, name, batches=(1,)):
    return EvaluationJob(
        dense=dense, snapshot=dense.key, backend=backend(name), batches=batches, store=store
    )


def pruned(network, sparsity):
    """The network with its smallest weights at zero, layer by layer."""
    thinner = copy.deepcopy(network)
    for weight in thinner.parameters():
        if weight.dim() > 1:
            threshold = weight.abs().flatten().kthvalue(int(sparsity * weight.numel())).values
            weight.data[weight.abs() <= threshold] = 0.0
    return thinner


def simulated(name, network, images):
    chosen = backend(name)
    return chosen.simulate(convert(chosen.converter, network, images))


@pytest.fixture
def images():
    return torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_a_neural_processor_that_waits_for_its_flash_is_faster_with_zeros(resnet18, images):
    # Dense ResNet-18 has 11 MB of weights, which an Ethos-U55 reads compressed at every inference.
    dense, sparse = (simulated("ethos_u55", n, images[:1]) for n in (resnet18, pruned(resnet18, 0.9)))
    assert sparse.latency_ms < 0.4 * dense.latency_ms
    assert sparse.flash_mb < 0.3 * dense.flash_mb
    assert dense.cycles == pytest.approx(dense.latency_ms * 500_000, rel=0.01)
    assert dense.operators_elsewhere == 0


class Sorts(nn.Module):
    """Ends with an operator that no neural processor has."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.layer(x).mean((2, 3)).cumsum(1)


def test_operators_that_a_neural_processor_leaves_to_the_cpu_are_counted(images):
    assert simulated("ethos_u55", Sorts().eval(), images[:1]).operators_elsewhere > 0


def test_what_the_compiler_refuses_is_its_reason():
    with pytest.raises(harness.HarnessError, match="vela: "):
        backend("ethos_u55").simulate(b"no model")


def test_an_accelerator_takes_less_time_and_energy_for_fewer_channels():
    images = torch.randn(1, 3, 16, 16)
    narrow = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    wide = nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3))
    less, more = (simulated("zigzag_edge_tpu", n.eval(), images) for n in (narrow, wide))
    assert 0.0 < less.latency_ms < more.latency_ms
    assert 0.0 < less.energy_j < more.energy_j
    assert more.latency_ms == pytest.approx(more.cycles / 500_000)


def test_sparse_matrices_compute_the_same_and_leave_the_model_alone():
    network = nn.Sequential(nn.Linear(512, 2048), nn.ReLU(), nn.Linear(2048, 16)).eval()
    wide = torch.randn(64, 512)
    thin = pruned(network, 0.99)
    with torch.no_grad():
        torch.testing.assert_close(
            load_on_backend(backend("sparse_cpu"), thin, wide)(wide), thin(wide), rtol=1e-4, atol=1e-4
        )
    # The model that it was given is left as it is.
    assert all("forward" not in vars(layer) for layer in thin)


@pytest.mark.parametrize(("sparse_ms", "swapped"), [(0.8, True), (0.95, False)])
def test_a_layer_is_swapped_only_where_its_sparse_matrix_is_clearly_faster(
    monkeypatch, sparse_ms, swapped
):
    def seconds(run, given):
        return 1.0 if isinstance(run, nn.Linear) else sparse_ms

    monkeypatch.setattr(sparse_cpu, "_seconds", seconds)
    network = pruned(nn.Sequential(nn.Linear(64, 64), nn.ReLU()), 0.5).eval()
    run = load_on_backend(backend("sparse_cpu"), network, torch.randn(2, 64))
    assert ("forward" in vars(run.__wrapped__[0])) is swapped


@pytest.mark.parametrize("name", ["eager_cpu:bf16", "litert_int8_cpu"])
def test_accuracy_is_measured_through_a_backend_that_computes_in_fewer_bits(name, dense, trained):
    asked = job(dense, trained, name, batches=(1, 7))
    found = evaluate_on_backend(asked).evaluation
    assert found.failure == ""
    model = load_model(trained.folder(dense.key), dense.model, dense.dataset)
    assert found.top1 == pytest.approx(evaluate(model, dense.dataset).top1, abs=0.03)
    assert found.correct != ""
    assert 0.0 < found.deviation < backend(name).tolerance
    assert kept_evaluation(asked) == found


def test_files_are_converted_once_and_refined_from_there(dense, trained):
    exporter = Exporter(name="m", dataset=dense.dataset, store=trained)
    model = load_model(trained.folder(dense.key), dense.model, dense.dataset)
    converter = backend("ethos_u55").converter
    file = exporter.file(converter, model, batch=1, folder=trained.folder(dense.key))
    kinds = sorted(path.name.rsplit("-", 1)[0] for path in trained.root.glob("file-tflite*"))
    assert kinds == ["file-tflite", "file-tflite_int8"]
    # The converter is not asked again.
    again = exporter.file(converter, None, batch=1, folder=trained.folder(dense.key))
    assert again == file


def test_masked_twins_share_what_a_simulator_that_reads_no_weights_says(trial, trained):
    levels = list(run_trial(trial, trained))
    for level in levels:
        found = evaluate_on_backend(
            replace(job(trial.dense, trained, "zigzag_eyeriss"), snapshot=level.snapshot)
        )
        assert found.evaluation.simulated[1].energy_j > 0.0
    assert len(list(trained.root.glob("simulated-*"))) == 1


def test_wrong_outputs_are_the_reason_why_nothing_more_is_known(dense, trained):
    wrong = replace(job(dense, trained, "eager_cpu"), backend=Wrong())
    found = evaluate_on_backend(wrong).evaluation
    assert "outputs differ from PyTorch's" in found.failure
    assert found == BackendEvaluation(failure=found.failure)
    assert kept_evaluation(wrong) is None


def test_bf16_is_further_off_than_floats_and_leaves_the_model_alone(network, images):
    given = images[:4]
    before = copy.deepcopy(network.state_dict())
    with torch.no_grad():
        floats, halves = (
            load_on_backend(backend(n), network, given)(given) for n in ("eager_cpu", "eager_cpu:bf16")
        )
    assert floats.dtype == halves.dtype == torch.float32
    assert not torch.equal(floats, halves)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("variant", "known"),
    [("eager_cpu:fp4", "channels_last, bf16"), ("onnxruntime_cpu:most", "none, basic, extended")],
)
def test_a_variant_that_is_none_is_named(variant, known):
    with pytest.raises(harness.HarnessError, match=f"{variant}: there are {known}"):
        backend(variant)


class Spectrum(nn.Module):
    """Ends with an operator that ncnn does not have."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return torch.fft.rfft2(self.layer(x)).abs()


def test_operators_that_ncnn_does_not_know_are_named(images):
    with pytest.raises(harness.HarnessError, match=r"ncnn has no torch\.fft\.rfft2"):
        convert(backend("ncnn_cpu").converter, Spectrum().eval(), images[:1])


def test_the_same_model_makes_the_same_file_of_ncnn(network, images):
    converter = backend("ncnn_cpu").converter
    assert convert(converter, network, images[:1]) == convert(converter, network, images[:1])
