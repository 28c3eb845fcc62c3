"""Widths of steps are found once, however many ways lead to them."""

import pytest
import torch
from torch import nn

from harness.networks._step_widths import StepWidths
from harness.networks._torch_pruning_graph import dependency_graph
from harness.networks.surgery import coupled_layers

EXAMPLE = torch.randn(2, 3, 4, 4)


class Doubling(nn.Module):
    """Every step adds what it is given to itself: two to the thirtieth ways through it."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv2d(3, 8, 1), nn.Linear(8 * 16, 5)

    def forward(self, images):
        features = self.first(images)
        for _ in range(30):
            features = features + features.sin()
        return self.head(features.flatten(1))


class Halves(nn.Module):
    """Concatenates two layers, one behind a parameter of its own, and splits what is beside."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 6, 1)
        self.scale, self.head = nn.Parameter(torch.ones(1, 6, 1, 1)), nn.Conv2d(10, 7, 1)
        self.last = nn.Linear(3, 5)

    def forward(self, images):
        both = torch.cat([self.one(images), self.other(images) * self.scale], dim=1)
        left, _ = self.head(both.relu()).split([3, 4], dim=1)
        return self.last(left.mean((2, 3)))


@pytest.mark.parametrize(("make", "roots"), [(Doubling, {"first"}), (Halves, {"one", "other"})])
def test_channels_leave_whatever_leads_to_them(make, roots):
    torch.manual_seed(0)
    coupled = coupled_layers(make().eval(), EXAMPLE)
    assert roots <= {group.root for group in coupled.groups}


def test_a_concatenation_has_the_sum_and_a_split_its_sizes():
    graph = dependency_graph(Halves().eval(), EXAMPLE)
    outputs = {
        node.type.name: graph.get_out_channels(node)
        for node in graph.module2node.values()
        if node.type.name == "CONCAT"
    }
    assert outputs == {"CONCAT": 10}
    into = [graph.get_in_channels(node) for node in graph.module2node.values() if not node.outputs]
    assert into != [None]


class Node:
    """A step of a graph by hand."""

    def __init__(self, kind="ELEMENTWISE", own=None, inputs=()):
        self.type, self.own, self.inputs, self.outputs = (
            type("Kind", (), {"name": kind}),
            own,
            inputs,
            [],
        )
        self.module = type("Op", (), {"split_sizes": None})
        for given in inputs:
            given.outputs.append(self)


def widths():
    return StepWidths(lambda node: node.own, lambda node: node.own)


def test_what_comes_before_or_after_tells():
    first, second = Node(own=4), Node(own=6)
    both = Node("CONCAT", inputs=(first, second))
    after = Node(inputs=(both,))
    assert (widths().out(both), widths().out(after)) == (10, 10)
    taker = Node(own=10, inputs=(after,))
    assert (widths().into(after), widths().into(taker)) == (10, 10)


def test_a_part_of_a_concatenation_is_what_the_others_leave():
    unknown, known = Node(), Node(own=6)
    Node(own=16, inputs=(Node("CONCAT", inputs=(unknown, known)),))
    assert widths().into(unknown) == 10


def test_where_nothing_tells_there_is_no_width():
    alone = Node()
    assert (widths().out(alone), widths().into(alone)) == (None, None)
    assert widths().out(Node("CONCAT", inputs=(alone, Node(own=3)))) is None


def test_a_step_that_leads_to_itself_ends():
    loop = Node()
    loop.inputs, loop.outputs = (loop,), [loop]
    assert (widths().out(loop), widths().into(loop)) == (None, None)
