"""Coverage: how far each architecture goes, and what stopped the others."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from harness.errors import HarnessError
from harness.runs.coverage import CoverageJob, criterion_at, run_coverage
from harness_plugins.backends.eager import EagerCpu
from harness_plugins.backends.onnxruntime_cpu import OnnxRuntimeCpu
from harness_plugins.models.timm import TimmModel
from harness_plugins.pruners.fpgm import Fpgm
from harness_plugins.pruners.magnitude import GroupNorm, Magnitude
from tests.doubles import Wrong

CRITERIA = (Magnitude("magnitude_l2", 2), GroupNorm("group_norm_l2", 2))


@pytest.mark.parametrize(
    ("granularity", "name"),
    [("weight", "magnitude_l2"), ("2:4", "magnitude_l2"), ("channel:8", "group_norm_l2")],
)
def test_a_granularity_gets_the_criterion_that_is_defined_there(granularity, name):
    assert criterion_at(granularity, CRITERIA).name == name


def test_a_granularity_that_no_criterion_is_defined_at_is_refused():
    with pytest.raises(HarnessError, match="magnitude_l2 is defined at granularity weight only"):
        criterion_at("channel", CRITERIA[:1])


def test_two_criteria_at_one_granularity_are_refused():
    two = (*CRITERIA, Fpgm())
    with pytest.raises(
        HarnessError, match="one pruner at granularity channel, not group_norm_l2, fpgm"
    ):
        criterion_at("channel", two)


@pytest.fixture
def job():
    return CoverageJob(
        model=TimmModel("test_resnet"),
        granularity="channel",
        prune=criterion_at("channel", CRITERIA),
        backend=OnnxRuntimeCpu(),
        sides=(64,),
    )


@pytest.mark.parametrize(("granularity", "most"), [("channel", 0.6), ("weight", 0.501), ("2:4", 0.501)])
def test_half_leaves_and_the_exported_file_computes_the_same(job, granularity, most):
    found = run_coverage(
        replace(job, granularity=granularity, prune=criterion_at(granularity, CRITERIA))
    )
    assert (found.step, found.reason) == ("", "")
    assert (0.5 if granularity != "2:4" else 0.4) <= found.removed <= most
    assert found.deviation < 1e-3


@dataclass(frozen=True)
class Built:
    """A model plugin that gives whatever module it is told to."""

    network: type
    name: str = "built"

    def build(self, dataset):
        return self.network()


class Raising(nn.Module):
    def __init__(self):
        raise RuntimeError("no such layer")


class Flat(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(3 * 64 * 64, 2))


class Infinite(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.append(nn.Linear(4, 2))

    def forward(self, x):
        return super().forward(x) * float("inf")


@pytest.mark.parametrize(
    ("network", "step", "reason"),
    [
        (Raising, "building", "no such layer"),
        (Flat, "pruning", "no channels that can be removed"),
        (Infinite, "running", "outputs are not finite"),
    ],
)
def test_what_went_wrong_is_told_with_its_step(job, network, step, reason):
    found = run_coverage(replace(job, model=Built(network), backend=EagerCpu()))
    assert found.step == step
    assert reason in found.reason


class Forgetful(nn.Sequential):
    """Multiplies by what is drawn when it is built and in no state dict."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.append(nn.Linear(8, 2))
        self.factor = 1.0 + torch.rand(1).item()

    def forward(self, x):
        return super().forward(x) * self.factor


def test_what_is_not_read_back_as_it_was_is_no_success(job):
    lost = run_coverage(replace(job, model=Built(Forgetful), backend=EagerCpu()))
    assert lost.step == "reading back"
    assert "read back from its state dict, computes outputs that differ" in lost.reason


class Picky(nn.Sequential):
    """Takes images of 96 pixels and no others."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 47**2, 2))


def test_images_have_the_first_side_at_which_the_model_runs(job):
    picky = replace(job, model=Built(Picky), backend=EagerCpu())
    assert run_coverage(replace(picky, sides=(64, 96))).step == ""
    refused = run_coverage(replace(picky, sides=(64,)))
    assert (refused.step, "shapes cannot be multiplied" in refused.reason) == ("building", True)


def test_another_way_to_halve_is_not_cut_at_further_levels(job):
    def as_it_is(model, example):
        return model

    whole = run_coverage(replace(job, model=Built(Forgetful), prune=as_it_is, backend=EagerCpu()))
    assert (whole.step, whole.removed) == ("", 0.0)


def test_outputs_that_differ_are_no_success(job):
    found = run_coverage(replace(job, backend=Wrong()))
    assert found.step == "comparing"
    assert found.deviation > 0.001
    assert "differ from PyTorch's by" in found.reason
