"""A model that lost channels, which a converter's graph of the wide one may serve."""

import torch

from harness.testing.converters import narrower
from harness.training.synthetic import NoiseImages, residual_network


def test_a_narrower_model_has_lost_one_channel_of_each_group():
    network, (images, _) = residual_network(), NoiseImages().tensors
    with torch.no_grad():
        narrow = narrower(network, images[:2])
    assert (len(network.first.weight), len(narrow.first.weight)) == (8, 7)
    assert narrow.third.weight.shape == (15, 7, 3, 3)
    assert narrow(images[:2]).shape == (2, 10)
