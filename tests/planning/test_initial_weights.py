"""Weights that are given are held against the images before anything runs."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from harness.options._data_options import DataOptions
from harness.planning.initial_weights import try_weights, unlike_inputs
from harness.planning.model_inputs import model_inputs
from harness.training.norm_statistics import estimate_norm_statistics, first_norm_inputs
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.timm import TimmModel
from tests.doubles import SmallModel

MODEL = TimmModel("test_resnet")


@pytest.fixture
def photographs(photographs_of):
    """Folder of smooth images of 64 x 64 pixels."""
    return photographs_of((64, 64), count=8, grain=(5, 5))


@pytest.fixture
def trained_at_half(photographs, tmp_path):
    """File of a network whose norms have averaged these images, normalised by 0.5 and 0.5."""
    network = timm.create_model("test_resnet", num_classes=2)
    own = inputs(photographs, mean="0.5", std="0.5").of(MODEL)
    estimate_norm_statistics(network, torch.utils.data.DataLoader(own.split("train"), batch_size=16))
    save_file(network.state_dict(), tmp_path / "file.safetensors")
    return tmp_path / "file.safetensors"


def inputs(folder, **typed):
    return model_inputs(folder, [MODEL], DataOptions(**typed).preprocessing(), from_file=True)


def said(folder, file, **typed):
    asked = [MODEL], inputs(folder, **typed), file
    return [
        sentence
        for tell in (try_weights, unlike_inputs)
        for sentence in tell(*asked, reset_classifier=False)
    ]


@pytest.mark.parametrize(
    "typed", [{"mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225"}, {"mean": "0", "std": "1"}]
)
def test_images_normalised_in_another_way_are_said(typed, photographs, trained_at_half):
    [sentence] = said(photographs, trained_at_half, **typed)
    assert "was trained on images unlike these: its first norm, conv1.1, has averaged" in sentence
    assert "--mean, --std and --resize say otherwise" in sentence


@pytest.mark.parametrize("typed", [{}, {"resize": "48"}, {"resize": "72:64"}])
def test_images_as_they_were_trained_on_are_not(typed, photographs, trained_at_half):
    assert said(photographs, trained_at_half, **typed) == []


def test_what_was_taken_of_a_file_is_said(photographs, trained_at_half, tmp_path):
    network = timm.create_model("test_resnet", num_classes=2)
    torch.save({"state_dict": network.state_dict()}, tmp_path / "nested.pth")
    first, *_ = said(photographs, tmp_path / "nested.pth")
    assert first == f"{tmp_path / 'nested.pth'}: weights under 'state_dict'"


def test_a_network_without_running_statistics_has_no_norm_to_tell():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LayerNorm(12), torch.nn.Linear(12, 2))
    assert first_norm_inputs(network, torch.ones(2, 3, 2, 2)) is None


def test_images_that_come_ready_are_taken_as_they_are(tmp_path):
    model = SmallModel()
    save_file(model.build(Digits()).state_dict(), tmp_path / "file.safetensors")
    ready = model_inputs(Digits(), [model], DataOptions().preprocessing(), from_file=True)
    file = tmp_path / "file.safetensors"
    assert [*unlike_inputs([model], ready, file, reset_classifier=False)] == []


def test_a_network_that_does_not_run_is_left_to_its_own_job(photographs, tmp_path):
    class Fixed(SmallModel):
        def build(self, dataset):
            return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(7, 2))

    file = tmp_path / "file.safetensors"
    save_file(Fixed().build(photographs).state_dict(), file)
    given = model_inputs(photographs, [Fixed()], DataOptions().preprocessing(), from_file=True)
    assert [*unlike_inputs([Fixed()], given, file, reset_classifier=False)] == []
