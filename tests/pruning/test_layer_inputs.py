"""Who reads a layer's channels, and what each of them adds there."""

import torch
from torch import nn

from harness.networks.surgery import coupled_layers
from harness.pruning._layer_inputs import CHUNK_IMAGES, SAMPLES_PER_IMAGE, contributions, sole_consumers

EXAMPLE = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_one_layer_alone_must_read_the_channels(network):
    readers = sole_consumers(coupled_layers(network, EXAMPLE).groups, network)
    assert {name: reader.weight for name, reader in readers.items()} == {
        "third.weight": "classifier.weight"
    }
    assert readers["third.weight"].channel.tolist() == list(range(16))


def test_what_a_depthwise_convolution_passes_on_is_read_behind_it():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1, groups=4), nn.Flatten(), nn.Linear(4 * 256, 2)
    ).eval()
    readers = sole_consumers(coupled_layers(model, EXAMPLE).groups, model)
    assert {reader.weight for reader in readers.values()} == {"3.weight"}
    assert readers["1.weight"].channel.tolist() == [c for c in range(4) for _ in range(256)]


def test_samples_are_drawn_from_every_image_and_add_up_to_outputs(network):
    readers = sole_consumers(coupled_layers(network, EXAMPLE).groups, network)
    images = torch.randn(CHUNK_IMAGES + 3, 3, 16, 16)
    batches = [(images, torch.zeros(len(images), dtype=torch.long))]
    found = contributions(network, readers, batches, seed=0)["third.weight"]
    assert found.shape == (len(images) * SAMPLES_PER_IMAGE, 16)
    outputs = (network(images) - network.classifier.bias).detach().double()
    nearest = (found.sum(1).view(len(images), -1, 1) - outputs[:, None]).abs().amin(2)
    assert float(nearest.max()) < 1e-5
    again = contributions(network, readers, batches, seed=0)["third.weight"]
    assert torch.equal(again, found)
    assert not torch.equal(contributions(network, readers, batches, seed=1)["third.weight"], found)
