"""The classifier is what the logits come out of, wherever it is registered."""

import pytest
import torch
from torch import nn

from harness.networks.classifier import classifier_layers
from harness.networks.surgery import coupled_layers

EXAMPLE = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class HeadFirst(nn.Module):
    """The classifier is registered first, and a layer that is as wide as it last."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(10, 10)
        self.body, self.neck = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 10, 1)

    def forward(self, images):
        return self.head(self.neck(self.body(images).relu()).relu().mean((2, 3)))


class TwoHeads(nn.Module):
    """Their mean is returned, as where a network is distilled."""

    def __init__(self):
        super().__init__()
        self.one, self.body, self.two = nn.Linear(16, 10), nn.Conv2d(3, 16, 3), nn.Linear(16, 10)

    def forward(self, images):
        features = self.body(images).relu().mean((2, 3))
        return (self.one(features) + self.two(features)) / 2


class ConvolutionalHead(nn.Module):
    """A map of each class, averaged."""

    def __init__(self):
        super().__init__()
        self.maps, self.body = nn.Conv2d(16, 10, 1), nn.Conv2d(3, 16, 3)

    def forward(self, images):
        return self.maps(self.body(images).relu()).mean((2, 3))


class Probabilities(nn.Module):
    """Every probability depends on every output of the last layer."""

    def __init__(self):
        super().__init__()
        self.head, self.body = nn.Linear(16, 10), nn.Conv2d(3, 16, 3)

    def forward(self, images):
        return self.head(self.body(images).relu().mean((2, 3))).log_softmax(-1)


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (HeadFirst, {"head"}),
        (TwoHeads, {"one", "two"}),
        (ConvolutionalHead, {"maps"}),
        (Probabilities, {"head"}),
    ],
)
def test_the_classifier_is_what_the_logits_come_out_of(make, names):
    model = make()
    found = classifier_layers(model, EXAMPLE)
    assert {name for name, module in model.named_modules() if module in found} == names
    assert model.training, "it is left as it was"


@pytest.mark.parametrize("make", [HeadFirst, TwoHeads, ConvolutionalHead, Probabilities])
def test_all_other_layers_lose_channels(make):
    coupled = coupled_layers(make().eval(), EXAMPLE)
    assert coupled.excluded == ()
    assert "body" in {group.root for group in coupled.groups}


class Mixed(nn.Module):
    """Channels pass layers that no criterion scores."""

    def __init__(self):
        super().__init__()
        self.first, self.body = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3)
        self.up = nn.ConvTranspose2d(8, 8, 2)
        self.next, self.read = nn.Conv2d(8, 6, 3), nn.GRU(6, 5, batch_first=True)
        self.head = nn.Linear(5, 10)

    def forward(self, images):
        features = self.next(self.up(self.body(self.first(images))).relu())
        return self.head(self.read(features.flatten(2).transpose(1, 2))[0].mean(1))


def test_layers_that_no_criterion_scores_are_named_where_they_keep_their_channels():
    coupled = coupled_layers(Mixed().eval(), EXAMPLE)
    assert {group.root for group in coupled.groups} == {"first"}
    assert {"up.weight", "read.weight_ih_l0", "read.weight_hh_l0"} <= {*coupled.excluded}
