"""Groups are offered only where the model without half of their channels computes what it should."""

from functools import partial

import pytest
import torch
from torch import nn

from harness.networks._cut_check import removable_groups
from harness.networks.layers import exempt
from harness.networks.surgery import coupled_layers, remove_channels

EXAMPLE = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def groups(network):
    return coupled_layers(network, EXAMPLE).groups


def roots(groups):
    return [group.root for group in groups]


def cutting(model, removals):
    remove_channels(model, EXAMPLE, removals)


def test_what_can_be_cut_is_offered(network, groups):
    assert roots(removable_groups(network, EXAMPLE, groups, cutting)) == roots(groups)


def refusing(name, model, removals):
    if name in {group.root for group, _ in removals}:
        raise RuntimeError("not these")
    cutting(model, removals)


def test_a_group_that_cannot_be_cut_costs_no_other(network, groups):
    [victim, *others] = roots(groups)
    found = removable_groups(network, EXAMPLE, groups, partial(refusing, victim))
    assert roots(found) == others


class Stages(nn.Sequential):
    """Six layers that are coupled alike, and two of another kind."""

    def __init__(self):
        convolutions = [nn.Conv2d(8, 8, 1) for _ in range(6)]
        super().__init__(nn.Conv2d(3, 8, 1), *convolutions, nn.BatchNorm2d(8), nn.Flatten())
        self.append(nn.Linear(8 * 256, 4))


def test_of_groups_that_are_coupled_alike_three_failures_tell():
    model, tried = Stages().eval(), []
    groups = coupled_layers(model, EXAMPLE).groups
    alike = {group.root for group in groups if group.kind == groups[-2].kind}
    assert len(alike) > 3

    def refusing_all(model, removals):
        tried.append([group.root for group, _ in removals])
        if alike & {group.root for group, _ in removals}:
            raise RuntimeError("not these")
        cutting(model, removals)

    offered = removable_groups(model, EXAMPLE, groups, refusing_all)
    assert {*roots(offered)} == {*roots(groups)} - alike
    alone = [name for [name, *others] in tried if not others and name in alike]
    assert len(alone) == 3


def spoiling(name, model, removals):
    cutting(model, removals)
    if name in {group.root for group, _ in removals}:
        nn.init.ones_(model.classifier.bias)


def test_a_group_after_which_something_else_is_computed_is_left_out(network, groups):
    [victim, *others] = roots(groups)
    found = removable_groups(network, EXAMPLE, groups, partial(spoiling, victim))
    assert roots(found) == others


def test_the_model_that_is_asked_about_stays_as_it_was(network, groups):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    removable_groups(network, EXAMPLE, groups, cutting)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class Upsampled(nn.Module):
    """Channels become pixels between two convolutions, which the graph counts otherwise."""

    def __init__(self):
        super().__init__()
        self.first, self.before = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 16, 3)
        self.shuffle, self.after = nn.PixelShuffle(2), nn.Conv2d(4, 8, 3)
        self.head = nn.Linear(8, 10)

    def forward(self, images):
        features = self.shuffle(self.before(self.first(images).relu())).relu()
        return self.head(self.after(features).relu().mean((2, 3)))


def test_a_layer_that_the_graph_cannot_follow_costs_itself_alone():
    coupled = coupled_layers(Upsampled().eval(), EXAMPLE)
    assert {*roots(coupled.groups)} == {"first", "after"}
    assert coupled.excluded == ("before.weight",)


def test_what_is_exempt_stays_with_all_that_it_is_coupled_to(network):
    exempt(network, ["second.weight"])
    assert {*roots(coupled_layers(network, EXAMPLE).groups)} == {"third"}
