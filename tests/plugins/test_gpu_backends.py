"""The GPU backends as far as a machine without a GPU can tell: all but the device and its clock.

Where there is a GPU, the conformance kit runs them there.
"""

import pytest
import torch
from torch import nn

import harness
from harness.conversion.device_tensors import device_clock, from_host, to_device
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.machine.clock import Limits, interleave
from harness.testing import check_backend
from harness_plugins.backends.cuda import CompiledCuda, EagerCuda
from harness_plugins.backends.eager import EagerCpu
from harness_plugins.backends.onnxruntime_cuda import OnnxRuntimeCuda
from harness_plugins.backends.sparse24_cuda import Sparse24Cuda, sparse_layers

without_gpu = pytest.mark.skipif(harness.gpu_name() != "", reason="there is a GPU here")
with_gpu = pytest.mark.skipif(harness.gpu_name() == "", reason=str(harness.no_gpu()))


class Here:
    """Runs a GPU's backend in this machine's memory, on its processor."""

    name, torch_device = "here", "cpu"

    def unavailable(self):
        return None

    def describe(self):
        return {"device": harness.cpu_name(), "runtime": "the GPU's code on the processor"}


class Eager(Here, EagerCuda):
    pass


class Compiled(Here, CompiledCuda):
    pass


class Sparse(Here, Sparse24Cuda):
    pass


class OnnxRuntime(Here, OnnxRuntimeCuda):
    def _providers(self):
        return [("CPUExecutionProvider", {})]


VARIANTS = ["channels_last", "tf32", "bf16", "fp16", "channels_last+fp16"]


@pytest.mark.parametrize(
    "backend",
    [Eager(), *map(Eager().configured, VARIANTS), Compiled().configured("bf16"), Sparse(),
     OnnxRuntime()],
    ids=lambda backend: backend.name,
)  # fmt: skip
def test_their_outputs_are_those_of_pytorch(backend):
    check_backend(backend)


def test_fewer_bits_have_a_tolerance_and_a_layout_has_none():
    for kind in (EagerCuda(), CompiledCuda()):
        assert kind.configured("bf16").tolerance > kind.configured("channels_last+fp16").tolerance > 0
        assert not isinstance(kind.configured("channels_last"), harness.Approximate)
        with pytest.raises(harness.HarnessError, match=f"{kind.name}:int4: there are channels_last"):
            kind.configured("int4")


@without_gpu
@pytest.mark.parametrize(
    "name",
    ["eager_cuda", "compiled_cuda", "onnxruntime_cuda", "onnxruntime_tensorrt", "sparse24_cuda"],
)
def test_without_a_gpu_each_says_so(name):
    found = discover().configured("backend", name, None)
    assert found.unavailable().startswith("no NVIDIA GPU is here: nvidia-smi ")


def test_layers_with_two_zeros_in_every_four_go_to_the_tensor_cores():
    sparse, dense, odd = nn.Linear(64, 32), nn.Linear(64, 32), nn.Linear(60, 32)
    for layer in (sparse, odd):
        layer.weight.data.view(-1, 4)[:, :2] = 0.0
    assert sparse_layers(nn.Sequential(sparse, dense, odd)) == [sparse]


def test_runs_of_a_device_are_given_tensors_there_and_bring_theirs_back():
    meta = Here()
    meta.torch_device = "meta"
    seen = []

    def run(images):
        seen.append(images.device.type)
        return torch.ones(1)

    assert to_device(torch.ones(1), meta).device.type == "meta"
    assert from_host(run, meta)(torch.ones(1)).device.type == "cpu"
    assert seen == ["meta"]


def test_what_a_run_returns_is_a_tensor_wherever_it_ran():
    for backend in (Here(), EagerCpu()):
        with pytest.raises(HarnessError, match="must return the outputs as a tensor, not list"):
            from_host(lambda images: images.tolist(), backend)(torch.ones(1))


def test_a_clock_of_the_devices_own_is_the_one_that_times():
    took = {"dense": 4.0, "pruned": 2.0}
    now = []
    runs = {name: [lambda name=name: now.append(took[name])] for name in took}

    def elapsed(work):
        now.clear()
        work()
        return sum(now)

    limits = Limits(precision=0.0, seconds=0.0)
    found = interleave(runs, reference="dense", limits=limits, seed=0, elapsed=elapsed)
    assert {name: set(times) for name, times in found.samples.items()} == {
        "dense": {4.0},
        "pruned": {2.0},
    }


def test_the_processor_needs_no_clock_of_another_device():
    assert device_clock(Here()) is None
    assert device_clock(object()) is None


@with_gpu
def test_the_gpus_events_see_work_that_the_host_does_not_wait_for():
    clock = device_clock(EagerCuda())
    matrix = torch.randn(4096, 4096, device="cuda")
    assert clock(lambda: matrix @ matrix) > clock(lambda: matrix[:64] @ matrix[:, :64])
