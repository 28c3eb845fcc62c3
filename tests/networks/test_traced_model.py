"""A model is traced once, and what was traced cuts its copies as a trace of their own would."""

import copy

import pytest
import timm
import torch
from torch import nn

from harness.networks._torch_pruning_graph import traced_model
from harness.networks._traced_model import shapes_of
from harness.networks.surgery import coupled_layers, remove_channels

EXAMPLE = torch.randn(2, 3, 32, 32)


class Shifted(nn.Module):
    """Features that a parameter of no layer shifts."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3), nn.Linear(8, 4)
        self.shift = nn.Parameter(torch.randn(1, 8, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last((self.first(images) + self.shift).mean((2, 3)))


def resnet() -> nn.Module:
    return timm.create_model("test_resnet", num_classes=4)


def vit() -> nn.Module:
    return timm.create_model("test_vit", img_size=32, num_classes=4)


def numbers(model: nn.Module) -> int:
    return sum(own.numel() for own in model.parameters())


def first_half(model: nn.Module):
    """The coupled layers, and of each group the mask that keeps its first half."""
    coupled = coupled_layers(model, EXAMPLE)
    return coupled, [(group, torch.arange(group.size) < group.size // 2) for group in coupled.groups]


@pytest.mark.parametrize("make", [resnet, vit, Shifted])
def test_a_copy_is_cut_as_by_a_trace_of_its_own(make):
    model = make().eval()
    coupled, removals = first_half(model)
    once, again = copy.deepcopy(model), copy.deepcopy(model)

    histories = [
        remove_channels(once, EXAMPLE, removals, traced=coupled.traced),
        remove_channels(again, EXAMPLE, removals),
    ]

    assert coupled.traced.fits(model), "the traced model itself stays whole"
    assert histories[0] == histories[1]
    assert once(EXAMPLE).equal(again(EXAMPLE))
    assert shapes_of(once) == shapes_of(again)
    assert numbers(once) < numbers(model)


def test_several_copies_are_cut_one_after_the_other():
    model = resnet().eval()
    coupled, removals = first_half(model)
    narrow, wide = copy.deepcopy(model), copy.deepcopy(model)

    remove_channels(narrow, EXAMPLE, removals, traced=coupled.traced)
    remove_channels(wide, EXAMPLE, removals[:1], traced=coupled.traced)

    assert numbers(narrow) < numbers(wide)
    assert torch.isfinite(wide(EXAMPLE)).all()


def test_what_was_cut_since_is_traced_anew():
    model = resnet().eval()
    coupled, removals = first_half(model)
    remove_channels(model, EXAMPLE, removals, traced=coupled.traced)
    assert not coupled.traced.fits(model), "the traced model was cut itself"

    _, further = first_half(model)
    remove_channels(model, EXAMPLE, further, traced=coupled.traced)

    assert torch.isfinite(model(EXAMPLE)).all()


def test_what_layers_computed_is_not_kept():
    graph = traced_model(resnet().eval(), EXAMPLE).graph

    assert all(node.grad_fn is None for node in graph.module2node.values())
