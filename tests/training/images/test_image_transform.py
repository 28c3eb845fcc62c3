"""Images become inputs as timm evaluates; grey of more than eight bits keeps its contrast."""

import io

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_model_data_config

from harness.contracts.data import Preprocessing
from harness.errors import HarnessError
from harness.training.images.image_transform import image_transform, rgb_image
from harness.training.stated_preprocessing import stated_preprocessing

STEPS = np.linspace(0, 65535, 16).astype(np.uint16).reshape(4, 4)


def opened(content):
    return Image.open(io.BytesIO(content))


def written(pixels, kind):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return opened(file.getvalue())


@pytest.mark.parametrize(
    "image",
    [
        written(STEPS, "png"),
        written(STEPS, "tiff"),
        opened(b"P5 4 4 65535\n" + STEPS.astype(">u2").tobytes()),
    ],
    ids=["png", "tiff", "pgm"],
)
def test_sixteen_bits_are_scaled_to_eight(image):
    found = np.asarray(rgb_image(image))
    assert found.shape == (4, 4, 3)
    assert found[..., 0].ravel().tolist() == [*range(0, 256, 17)]


@pytest.mark.parametrize(
    ("pixels", "said"),
    [(STEPS.astype(np.int32), "32-bit integers"), (STEPS / np.float32(65535), "floating-point")],
)
def test_pixels_whose_range_is_not_known_are_refused(pixels, said):
    with pytest.raises(HarnessError, match=f"{said}.*write it with 8 or 16 bits"):
        rgb_image(written(pixels, "tiff"))


def test_eight_bits_stay_as_they_are():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert np.asarray(rgb_image(written(pixels, "png"))).tolist() == pixels.tolist()


PHOTOGRAPH = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8))


@pytest.mark.parametrize("architecture", ["resnet10t", "tf_efficientnet_lite0"])
def test_an_input_is_what_timm_evaluates(architecture):
    network = timm.create_model(architecture)
    stated = stated_preprocessing(network, name=architecture)
    theirs = create_transform(**resolve_model_data_config(network), is_training=False)(PHOTOGRAPH)
    mean, std = (torch.tensor(values)[:, None, None] for values in (stated.mean, stated.std))
    ours = (image_transform(stated)(PHOTOGRAPH).float().div(255) - mean) / std
    assert torch.equal(ours, theirs)


def test_a_squashed_image_keeps_its_edges():
    wide = Image.new("RGB", (120, 60))
    wide.putpixel((0, 0), (255, 255, 255))
    whole = image_transform(Preprocessing(size=60, crop_mode="squash"))(wide)
    central = image_transform(Preprocessing(size=60))(wide)
    assert whole.shape == central.shape == (3, 60, 60)
    assert (int(whole[0, 0, 0]) > 0, int(central.max())) == (True, 0)


def test_a_network_that_states_nothing_has_no_preprocessing():
    assert stated_preprocessing(torch.nn.Linear(2, 2), name="linear") is None


OWN = {"input_size": (3, 64, 64), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


def stating(**stated):
    network = torch.nn.Linear(2, 2)
    network.pretrained_cfg = stated
    return stated_preprocessing(network, name="mine")


def test_what_a_network_does_not_state_is_not_taken_for_stated():
    half = (0.5, 0.5, 0.5)
    assert stating(**OWN) == Preprocessing(size=64, mean=half, std=half)
    assert stating(**OWN, crop_pct=0.5, interpolation="bicubic").scaled_to == 128


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [
        ({"mean": 0.5}, "pretrained_cfg of mine: "),
        ({"input_size": 64}, "pretrained_cfg of mine: "),
        ({"crop_mode": "border"}, "mine states inputs of 64 x 64, crop_mode 'border': only squares"),
        ({"input_size": (3, 64, 96)}, "mine states inputs of 64 x 96"),
    ],
)
def test_what_makes_no_square_of_an_image_is_refused(stated, sentence):
    with pytest.raises(HarnessError, match=sentence):
        stating(**OWN | stated)
