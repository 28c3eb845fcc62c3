"""A slowed backend computes what the backend does, and never in less than the time it spends more."""

import pytest
import torch

from harness.contracts.backends import RunsModel
from harness.contracts.converters import LoadsFile
from harness.conversion.slowed import slowed_backend
from harness.errors import HarnessError
from harness.machine.clock import CLOCK
from harness_plugins.backends.cuda import EagerCuda
from harness_plugins.backends.eager import EagerCpu
from harness_plugins.backends.onnxruntime_cpu import OnnxRuntimeCpu
from tests.doubles import Nowhere

NANOSECONDS = 2_000_000
EXAMPLE = torch.zeros(1, 3, 16, 16)


def test_a_run_takes_at_least_the_extra_time_and_gives_the_same(network):
    run = slowed_backend(EagerCpu(), NANOSECONDS).prepare(network, EXAMPLE)
    began = CLOCK()
    output = run(EXAMPLE)
    assert CLOCK() - began >= NANOSECONDS
    assert torch.equal(output, EagerCpu().prepare(network, EXAMPLE)(EXAMPLE))


def test_it_takes_what_the_backend_takes():
    model, file = slowed_backend(EagerCpu(), 1), slowed_backend(OnnxRuntimeCpu(), 1)
    assert (isinstance(model, RunsModel), isinstance(model, LoadsFile)) == (True, False)
    assert (isinstance(file, RunsModel), isinstance(file, LoadsFile)) == (False, True)
    assert file.converter.name == OnnxRuntimeCpu().converter.name
    assert (model.name, model.describe()) == ("eager_cpu and 1 ns", EagerCpu().describe())
    assert model.unavailable() is None


def test_what_a_devices_own_clock_times_cannot_be_slowed():
    with pytest.raises(HarnessError, match="eager_cuda is timed by its device"):
        slowed_backend(EagerCuda(), 1)


def test_what_runs_nothing_cannot_be_slowed():
    class Idle:
        name = "idle"
        unavailable, describe = Nowhere.unavailable, Nowhere.describe

    with pytest.raises(HarnessError, match="idle neither takes a model nor loads a file"):
        slowed_backend(Idle(), 1)
