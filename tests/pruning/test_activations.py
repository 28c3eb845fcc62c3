"""What passes between layers: followed to its activation, seen, replaced, and gated."""

import torch
from torch import nn
from torch.nn import functional as F

from harness.networks.layers import forward_hooks
from harness.pruning._activations import (
    activation_gradients,
    activation_of,
    activations,
    channel_dim,
    gate_gradients,
)

IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3])
BATCHES = [(IMAGES[:2], LABELS[:2]), (IMAGES[2:], LABELS[2:])]


def test_an_output_is_followed_to_its_activation(network):
    assert activation_of(network, IMAGES) == {
        "first.weight": "relu1",
        # The sum makes a tensor of its own, so the branch ends at its norm.
        "second.weight": "norm2",
        "third.weight": "relu3",
        "classifier.weight": "classifier",
    }


def test_what_is_returned_goes_on_instead_and_only_while_watching(network):
    before, shown = network(IMAGES), []

    def silence(name, module, given, output):
        shown.append((name, tuple(given.shape), tuple(output.shape)))
        return torch.zeros_like(output)

    with forward_hooks({"third": network.third}, silence):
        silent = network(IMAGES)
    assert shown == [("third", (4, 8, 8, 8), (4, 16, 4, 4))]
    assert not torch.equal(silent, before)
    assert torch.equal(network(IMAGES), before)


def test_activations_come_batch_by_batch_with_channels_second(network):
    found = list(activations(network, BATCHES))
    assert [len(batch["first.weight"]) for batch in found] == [2, 2]
    wanted = F.relu(network.norm1(network.first(IMAGES[:2])))
    torch.testing.assert_close(found[0]["first.weight"], wanted)


def test_gradients_are_those_of_each_images_own_loss(network):
    for (images, labels), found in zip(BATCHES, activation_gradients(network, BATCHES), strict=True):
        logits = network(images).detach().requires_grad_()
        [wanted] = torch.autograd.grad(F.cross_entropy(logits, labels, reduction="sum"), logits)
        torch.testing.assert_close(found["classifier.weight"].flatten(1), wanted)


def test_a_gates_gradient_is_what_scaling_its_channel_does(network):
    [found] = gate_gradients(network, {"third.weight": "norm3"}, [(IMAGES, LABELS)])
    step = 1e-2
    losses = []
    for factor in (1 + step, 1 - step):

        def scale(name, module, given, output, factor=factor):
            output = output.clone()
            output[:, 5] *= factor
            return output

        with forward_hooks({"norm3": network.norm3}, scale), torch.no_grad():
            losses.append(float(F.cross_entropy(network(IMAGES), LABELS)))
    slope = (losses[0] - losses[1]) / (2 * step)
    torch.testing.assert_close(float(found["third.weight"][5]), slope, rtol=0.05, atol=1e-4)


def test_channels_are_second_but_behind_linear_layers_and_their_norms():
    tokens = torch.zeros(2, 7, 5)
    assert channel_dim(nn.Conv2d(3, 5, 1), torch.zeros(2, 5, 4, 4)) == 1
    assert channel_dim(nn.Linear(5, 5), tokens) == channel_dim(nn.LayerNorm(5), tokens) == 2
