"""The dependency graph's groups: who loses channels together, and which norm follows whom."""

import torch
from torch import nn

from harness.networks._dependency import graph_groups
from harness.networks._following_norms import norms_after
from harness.networks._torch_pruning_graph import dependency_graph
from harness.networks.classifier import classifier_layers

EXAMPLE = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def traced(model):
    names = {module: name for name, module in model.named_modules()}
    return dependency_graph(model, EXAMPLE), names


def groups_of(model):
    graph, names = traced(model)
    return graph_groups(graph, model, names, classifier=classifier_layers(model, EXAMPLE))


def grouped(model):
    return {
        group.root: {(m.parameter, m.dim, m.norm) for m in group.members} for group in groups_of(model)
    }


def test_layers_that_meet_in_a_sum_lose_channels_together(network):
    stream = {("first.weight", 0, False), ("second.weight", 0, False)}
    read = {("second.weight", 1, False), ("third.weight", 1, False)}
    norms = {("norm1.weight", 0, True), ("norm2.weight", 0, True)}
    found = grouped(network)
    assert stream | read | norms in found.values()
    assert {("third.weight", 0, False), ("norm3.weight", 0, True), ("classifier.weight", 1, False)} in (
        found.values()
    )
    assert len(found) == 2, "the classifier's own outputs are classes"


def test_the_norm_behind_each_layer_is_found(network):
    assert norms_after(*traced(network)) == {
        "first.weight": "norm1",
        "second.weight": "norm2",
        "third.weight": "norm3",
    }


def convolutions(groups):
    return nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.Conv2d(8, 16, 3, groups=groups), nn.Flatten(), nn.Linear(16 * 196, 2)
    )


def test_every_block_of_a_grouped_convolution_loses_the_same_channels():
    read, made = sorted(groups_of(convolutions(2)), key=lambda group: group.root)
    assert (read.root, read.size, made.root, made.size) == ("0", 4, "1", 8)
    [producer] = read.producers
    assert producer.root.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    [consumer] = read.consumers
    assert consumer.index.tolist() == consumer.root.tolist() == [0, 1, 2, 3], "inputs of one block"


class Halved(nn.Module):
    """A grouped convolution of which one block reads each of two layers."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.both, self.head = nn.Conv2d(8, 8, 1, groups=2), nn.Linear(8, 2)

    def forward(self, x):
        both = self.both(torch.cat([self.one(x), self.other(x)], dim=1))
        return self.head(both.mean((2, 3)))


def test_layers_that_only_some_blocks_of_a_grouped_convolution_read_are_left_out():
    assert [group.root for group in groups_of(Halved())] == ["both"]


def test_channels_that_leave_only_together_are_one():
    class Doubled(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Conv2d(3, 4, 1), nn.Linear(8, 2)

        def forward(self, x):
            x = self.first(x).mean((2, 3))
            return self.last(torch.cat([x, x.relu()], dim=1))

    model = Doubled().eval()
    [group] = groups_of(model)
    assert group.size == 4
    [reader] = group.consumers
    pairs = sorted(zip(reader.index.tolist(), reader.root.tolist(), strict=True))
    assert pairs == [(index, index % 4) for index in range(8)]
