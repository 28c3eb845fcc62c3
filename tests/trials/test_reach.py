"""How much of a network can leave at most, worked out by hand."""

from dataclasses import dataclass, replace

import pytest
from torch import nn

from harness.errors import UnsupportedError
from harness.trials.reach import measure_reach
from harness.trials.target import Target


@dataclass(frozen=True)
class Chain:
    """Images of 3 channels and 32x32 pixels: 16 channels, then 16, then ten classes."""

    name: str = "chain"

    def build(self, dataset):
        convolutions = nn.Conv2d(3, 16, 1), nn.ReLU(), nn.Conv2d(16, 16, 1)
        return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


@dataclass(frozen=True)
class Flat(Chain):
    """Only a classifier."""

    def build(self, dataset):
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))


@pytest.fixture
def at_quarter(channel_trial):
    """Four channels of each layer stay."""
    dense = replace(channel_trial.dense, model=Chain())
    return replace(channel_trial, dense=dense, layer_floor=0.25)


@pytest.mark.parametrize(
    ("quantity", "whole", "left"),
    [
        ("macs", 1024 * (48 + 256) + 160, 1024 * (12 + 16) + 40),
        ("params", 48 + 256 + 160, 12 + 16 + 40),
    ],
)
def test_all_that_may_leave_is_counted_in_the_target(at_quarter, quantity, whole, left):
    reach = measure_reach(replace(at_quarter, target=Target(quantity=quantity)))
    assert reach == pytest.approx(1 - left / whole)


def test_layers_that_stay_whole_are_in_what_is_left(at_quarter):
    kept = replace(at_quarter, keep="2", target=Target(quantity="macs"))
    left, whole = 1024 * (12 + 64) + 160, 1024 * (48 + 256) + 160
    assert measure_reach(kept) == pytest.approx(1 - left / whole)


def test_all_weights_can_leave_but_for_a_floor(trial):
    assert measure_reach(trial) == 1.0
    assert measure_reach(replace(trial, layer_floor=0.5)) == pytest.approx(0.5, abs=0.001)


def test_a_network_without_channels_to_lose_says_so(at_quarter):
    flat = replace(at_quarter, dense=replace(at_quarter.dense, model=Flat()))
    with pytest.raises(UnsupportedError, match="no channels that can be removed"):
        measure_reach(flat)
