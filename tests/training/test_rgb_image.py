"""Greyscale of more than eight bits keeps its contrast, or is refused."""

import io

import numpy as np
import pytest
from PIL import Image

from harness.errors import HarnessError
from harness.training.rgb_image import rgb_image

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
