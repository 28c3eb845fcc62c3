"""Each check of a model refuses one that is wrong in that way alone."""

from dataclasses import dataclass
from unittest import SkipTest

import pytest
import timm
import torch
from torch import nn

import harness
from harness.testing.models import check_model
from harness.training.synthetic import NoiseImages
from harness_plugins.models.pretrained import PretrainedModel


@dataclass(frozen=True)
class Linear:
    """One layer; what the broken ones below start from."""

    name: str = "linear"

    def build(self, dataset):
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, dataset.classes))


class Narrow(Linear):
    def build(self, dataset):
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, dataset.classes - 1))


class Unseeded(Linear):
    def build(self, dataset):
        model = super().build(dataset)
        nn.init.normal_(model[1].weight, generator=torch.Generator().manual_seed(torch.seed() % 99991))
        return model


class Undefined(Linear):
    def build(self, dataset):
        model = super().build(dataset)
        nn.init.constant_(model[1].bias, torch.inf)
        return model


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Narrow(), r"linear: outputs are shaped \(2, 9\)"),
        (Unseeded(), "weights must follow the seed"),
        (Undefined(), "outputs hold NaN or infinity"),
    ],
)
def test_a_broken_model_is_told_what_is_wrong(broken, sentence):
    assert check_model(Linear(), NoiseImages()) == ()
    with pytest.raises(AssertionError, match=sentence):
        check_model(broken, NoiseImages())


class Trained(Linear):
    """With weights that somebody trained before."""

    def build_pretrained(self, dataset):
        model = self.build(dataset)
        nn.init.ones_(model[1].weight)
        return model


class Another(Linear):
    def build_pretrained(self, dataset):
        return nn.Sequential(*self.build(dataset), nn.Linear(10, 10))


class Fresh(Linear):
    def build_pretrained(self, dataset):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return self.build(dataset)


class Absent(Linear):
    def build_pretrained(self, dataset):
        raise harness.HarnessError("the hub cannot be reached")


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Another(), "`build_pretrained` makes another network than `build`"),
        (Fresh(), "`build_pretrained` leaves the weights as `build` draws them"),
    ],
)
def test_a_pretrained_model_is_the_same_network_with_other_weights(broken, sentence):
    assert check_model(Trained(), NoiseImages()) == (harness.Pretrained,)
    with pytest.raises(AssertionError, match=sentence):
        check_model(broken, NoiseImages())


def test_a_model_whose_weights_cannot_be_had_is_skipped_with_the_reason():
    with pytest.raises(SkipTest, match="linear: the hub cannot be reached"):
        check_model(Absent(), NoiseImages())


def test_timms_pretrained_models_pass(monkeypatch):
    create = timm.create_model

    def offline(name, *, pretrained=False, **settings):
        """With weights of another seed instead of the hub's."""
        if pretrained:
            torch.manual_seed(1)
        return create(name.partition(".")[0], **settings)

    monkeypatch.setattr(timm, "create_model", offline)
    model = PretrainedModel("test_resnet.r160_in1k")
    assert check_model(model, NoiseImages()) == (harness.Pretrained,)
