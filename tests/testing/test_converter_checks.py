"""A model that lost channels, which a converter's graph of the wide one may serve."""

from dataclasses import replace

import pytest
import torch

import harness
from harness.testing.converters import check_tensors, narrower
from harness.training.synthetic import NoiseImages, residual_network


def test_a_narrower_model_has_lost_one_channel_of_each_group():
    network, (images, _) = residual_network(), NoiseImages().tensors
    with torch.no_grad():
        narrow = narrower(network, images[:2])
    assert (len(network.first.weight), len(narrow.first.weight)) == (8, 7)
    assert narrow.third.weight.shape == (15, 7, 3, 3)
    assert narrow(images[:2]).shape == (2, 10)


IMAGE = harness.FileTensor(name="x", shape=("batch", 3, 16, 16), type="float32")
LOGITS = harness.FileTensor(name="y", shape=("batch", 10), type="float32")
INTEGERS = replace(IMAGE, type="int8", shape=(1, 16, 16, 3), scale=0.02, zero_point=-3)


class Tells:
    """A converter that says what it is told to of a file."""

    def __init__(self, inputs, outputs):
        self.told = inputs, outputs

    def tensors(self, file):
        return self.told


@pytest.mark.parametrize("inputs", [[IMAGE], [INTEGERS], [replace(IMAGE, shape=())]])
def test_an_image_of_either_layout_or_of_no_size_is_one(inputs):
    check_tensors(Tells(inputs, [LOGITS]), b"", NoiseImages().tensors[0][:1], of="a backend")


@pytest.mark.parametrize(
    ("inputs", "outputs", "sentence"),
    [
        ([IMAGE, IMAGE], [LOGITS], "must have one input, not 2"),
        ([IMAGE], [], "must have one output, not 0"),
        ([replace(IMAGE, shape=(1, 16, 3, 16))], [LOGITS], "is no image"),
        ([replace(INTEGERS, scale=None)], [LOGITS], "int8 must have both a scale and a zero point"),
        ([replace(IMAGE, scale=0.5, zero_point=0)], [LOGITS], "float32 must have both"),
    ],
)
def test_tensors_that_are_no_images_and_logits_are_refused(inputs, outputs, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_tensors(Tells(inputs, outputs), b"", NoiseImages().tensors[0][:1], of="a backend")
