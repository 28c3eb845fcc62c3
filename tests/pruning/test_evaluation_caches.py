"""Modules that keep what they computed in evaluation, as LeViT's attention, are copied and scored."""

import copy

import pytest
import torch
from torch import nn

from harness.networks.layers import exempt_unreached, forget_caches
from harness.networks.surgery import coupled_layers
from harness.pruning.evidence import RecordedEvidence

IMAGES, LABELS = torch.randn(4, 3, 6, 6), torch.tensor([0, 1, 2, 1])


class Kept(nn.Module):
    """A layer whose shift is looked up once in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.table, self.kept = nn.Parameter(torch.randn(2, 4)), {}

    def train(self, mode: bool = True) -> "Kept":
        self.kept = {}
        return super().train(mode)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if "shift" not in self.kept:
            self.kept["shift"] = self.table.exp()[0, :, None, None]
        return self.norm(self.layer(images)) + self.kept["shift"]


@pytest.fixture
def model():
    torch.manual_seed(0)
    layers = nn.Sequential(Kept(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    return exempt_unreached(layers.eval(), IMAGES)


def test_a_copy_can_be_made_after_its_gradients_were_followed(model):
    assert copy.deepcopy(model)(IMAGES).equal(model(IMAGES))


@pytest.mark.parametrize("tensors", ["batch_gradients", "activation_gradients", "gate_gradients"])
def test_each_batch_has_its_own_gradients(model, tensors):
    coupled = coupled_layers(model, IMAGES[:1])

    def evidence(*batches):
        return RecordedEvidence(model, granularity="channel", batches=batches, coupled=coupled, seed=0)

    both = list(getattr(evidence((IMAGES[:2], LABELS[:2]), (IMAGES[2:], LABELS[2:])), tensors))
    [second] = getattr(evidence((IMAGES[2:], LABELS[2:])), tensors)

    assert both[1].keys() == second.keys()
    assert all(both[1][name].equal(second[name]) for name in second)


def test_every_module_stays_in_its_own_mode(model):
    model.train()
    model[0].norm.eval()

    forget_caches(model)

    assert [module.training for module in model.modules()] == [
        module is not model[0].norm for module in model.modules()
    ]
