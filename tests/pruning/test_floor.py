"""The least that a model can be pruned to: each layer at its floor, what is spared whole."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from harness.contracts.granularity import pattern
from harness.errors import UnsupportedError
from harness.networks.layers import prunable_weights
from harness.pruning._floors import least_channels
from harness.pruning.floor import model_at_floor
from harness.pruning.mask_search import PruningBudget


@pytest.fixture
def chain() -> nn.Module:
    """Ten channels, then twenty, and a classifier."""
    layers = (nn.Conv2d(3, 10, 3), nn.Conv2d(10, 20, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(20, 4)).eval()


def budget(granularity, **changes):
    free = PruningBudget(
        level=0.0, pattern=pattern(granularity), scope="local", costs={}, dense_cost=1.0, floor=0.25
    )
    return replace(free, **changes)


def shapes(model):
    return [tuple(weight.shape[:2]) for weight in prunable_weights(model).values()]


EXAMPLE = torch.zeros(2, 3, 8, 8)


@pytest.mark.parametrize(
    ("size", "floor", "least"), [(8, 0.0, 1), (8, 0.1, 1), (64, 0.1, 7), (10, 0.3, 3), (3, 0.99, 3)]
)
def test_a_floor_is_rounded_up_and_never_none(size, floor, least):
    assert least_channels(size, floor) == least


def test_each_layer_keeps_its_floor_of_channels_and_the_classifier_its_own(chain):
    assert shapes(model_at_floor(chain, EXAMPLE, budget("channel"))) == [(3, 3), (5, 3), (4, 5)]
    assert shapes(chain) == [(10, 3), (20, 10), (4, 20)], "of a copy"


def test_a_multiple_is_rounded_up_to(chain):
    eights = model_at_floor(chain, EXAMPLE, budget("channel:8"))
    assert shapes(eights) == [(8, 3), (8, 8), (4, 8)]


def test_what_is_spared_stays_whole(chain):
    spared = model_at_floor(chain, EXAMPLE, budget("channel", spared=frozenset({"0.weight"})))
    assert shapes(spared) == [(10, 3), (5, 10), (4, 5)]
    with pytest.raises(UnsupportedError, match="--keep and --only let no layer lose channels"):
        model_at_floor(chain, EXAMPLE, budget("channel", spared=frozenset(prunable_weights(chain))))


def test_each_layer_keeps_its_floor_of_weights(chain):
    sparse = model_at_floor(chain, EXAMPLE, budget("weight", spared=frozenset({"1.weight"})))
    left = [int(weight.count_nonzero()) for weight in prunable_weights(sparse).values()]
    assert left == [68, 1800, 20], "a quarter of 270 and of 80, rounded up, and all of what is spared"


class Concatenated(nn.Module):
    """Two layers whose outputs are one group, since a gate mixes them."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 12, 1)
        self.gate, self.head = nn.Conv2d(16, 16, 1), nn.Linear(16, 4)

    def forward(self, images):
        both = torch.cat([self.one(images), self.other(images)], dim=1)
        return self.head((both * self.gate(both).sigmoid()).mean((2, 3)))


def test_each_layer_of_a_group_keeps_its_own_floor():
    smallest = model_at_floor(Concatenated().eval(), EXAMPLE, budget("channel", floor=0.0))
    assert shapes(smallest) == [(1, 3), (1, 3), (2, 2), (4, 2)]
    quarter = model_at_floor(Concatenated().eval(), EXAMPLE, budget("channel"))
    assert shapes(quarter) == [(1, 3), (3, 3), (4, 4), (4, 4)]
