"""How many images a model is run on at once."""

from dataclasses import replace

import pytest

from harness.training.sampling import images_at_once
from harness.training.synthetic import NoiseImages


@pytest.mark.parametrize(
    ("side", "most", "images"),
    [(32, 256, 256), (64, 64, 64), (224, 256, 16), (224, 8, 8), (2048, 64, 1)],
)
def test_fewer_of_larger_images_are_run_at_once(side, most, images):
    assert images_at_once(replace(NoiseImages(), shape=(3, side, side)), most) == images
