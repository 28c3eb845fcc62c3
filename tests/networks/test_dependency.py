"""The dependency graph's groups: who loses channels together, and which norm follows whom."""

import torch
from torch import nn

from harness.networks._classifier import classifier_layers
from harness.networks._dependency import graph_groups, norms_after
from harness.networks._torch_pruning_graph import dependency_graph

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


def test_grouped_convolutions_are_left_out_and_depthwise_ones_are_not():
    def model(groups):
        return nn.Sequential(
            nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=groups), nn.Flatten(), nn.Linear(8 * 196, 2)
        )

    assert set(grouped(model(2))) == set()
    assert set(grouped(model(8))) != set()


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
