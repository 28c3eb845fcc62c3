"""Norms over features: channels leave where a norm of those that stay says the same, else they stay."""

import copy

import pytest
import torch
import torch.nn.functional as F
from timm.layers import GroupNormAct, LayerNorm2d
from timm.layers.grn import GlobalResponseNorm
from torch import nn

from harness.networks._restricted_norms import restricted_norms
from harness.networks.surgery import coupled_layers, remove_channels

EXAMPLE = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def drawn(model):
    """The model, its norms scaling and shifting every channel otherwise."""
    generator = torch.Generator().manual_seed(0)
    for own in model.parameters():
        nn.init.uniform_(own, -0.5, 1.0, generator=generator)
    return model.eval()


def normed(norm):
    return drawn(
        nn.Sequential(
            nn.Conv2d(3, 16, 3), norm, nn.Conv2d(16, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(8, 10),
        )
    )  # fmt: skip


def group_at(coupled, root):
    [group] = [group for group in coupled.groups if group.root == root]
    return group


@pytest.mark.parametrize("make", [nn.GroupNorm, GroupNormAct])
def test_as_many_channels_leave_every_group_of_a_group_norm(make):
    norm = make(4, 16) if make is nn.GroupNorm else make(16, num_groups=4)
    model = normed(norm)
    group = group_at(coupled_layers(model, EXAMPLE), "0")
    assert group.size == 4, "a channel of each of four groups is one"
    convolution = model[0].weight.detach().clone(), model[0].bias.detach().clone()
    scale, shift, read = (own.detach().clone() for own in (norm.weight, norm.bias, model[2].weight))
    remove_channels(model, EXAMPLE, [(group, torch.tensor([True, False, False, True]))])
    kept = [4 * own + number for own in range(4) for number in (0, 3)]
    assert model[0].out_channels == 8
    images = F.conv2d(EXAMPLE, convolution[0][kept], convolution[1][kept])
    own_groups = [
        F.group_norm(two, 1, scale[own], shift[own])
        for two, own in zip(images.split(2, dim=1), torch.tensor(kept).split(2), strict=True)
    ]
    images = torch.cat(own_groups, dim=1)
    images = images.relu() if make is GroupNormAct else images
    wanted = F.conv2d(images, read[:, kept], model[2].bias).mean((2, 3))
    torch.testing.assert_close(model(EXAMPLE), model[5](wanted), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", [LayerNorm2d(16), GlobalResponseNorm(16, channels_last=False)])
def test_channels_leave_behind_a_norm_over_them(norm):
    coupled = coupled_layers(normed(norm), EXAMPLE)
    assert group_at(coupled, "0").size == 16
    assert coupled.excluded == ()


class Block(nn.Module):
    """Tokens with a residual stream, layer norms before what reads them, and a step in between."""

    def __init__(self, step=nn.Identity):
        super().__init__()
        self.embed, self.norm, self.last = nn.Linear(48, 16), nn.LayerNorm(16), nn.LayerNorm(16)
        self.inner, self.outer, self.head = nn.Linear(16, 32), nn.Linear(32, 16), nn.Linear(16, 10)
        self.step = step()

    def forward(self, images):
        tokens = F.unfold(images, 4, stride=4).transpose(1, 2)
        tokens = self.embed(tokens)
        tokens = tokens + self.outer(self.inner(self.step(self.norm(tokens))).relu())
        return self.head(self.last(tokens).mean(1))


def test_features_leave_behind_a_response_norm():
    """As in the MLP of ConvNeXt V2 (Woo 2023), where channels come last."""
    model = drawn(Response())
    group = group_at(coupled_layers(model, EXAMPLE), "inner")
    assert group.size == 32
    kept = torch.arange(32) % 3 == 0
    inner, outer, norm = (copy.deepcopy(own) for own in (model.inner, model.outer, model.norm))

    remove_channels(model, EXAMPLE, [(group, kept)])

    features = (EXAMPLE.movedim(1, -1) @ inner.weight[kept].T + inner.bias[kept]).relu()
    lengths = features.norm(dim=(1, 2), keepdim=True)
    response = features * lengths / (lengths.mean(-1, keepdim=True) + norm.eps)
    features = features + norm.weight[kept] * response + norm.bias[kept]
    wanted = model.head((features @ outer.weight[:, kept].T + outer.bias).mean((1, 2)))
    torch.testing.assert_close(model(EXAMPLE), wanted, rtol=1e-4, atol=1e-4)


class Response(nn.Module):
    """An MLP on every position, with a response norm within it."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(3, 32), nn.Linear(32, 8)
        self.norm, self.head = GlobalResponseNorm(32), nn.Linear(8, 10)

    def forward(self, images):
        features = self.norm(self.inner(images.movedim(1, -1)).relu())
        return self.head(self.outer(features).mean((1, 2)))


def test_a_residual_stream_leaves_behind_layer_norms():
    coupled = coupled_layers(drawn(Block()), EXAMPLE)
    assert {group.root for group in coupled.groups} >= {"embed", "inner"}
    assert coupled.excluded == ()


class Reversal(nn.Module):
    """Channels in another order, which a removal that only has to run would not notice."""

    def forward(self, tokens):
        return tokens.flip(-1)


class Shuffle(nn.Module):
    """Two groups of channels, interleaved."""

    def forward(self, tokens):
        return tokens.unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2)


@pytest.mark.parametrize("step", [Reversal, Shuffle])
def test_channels_that_reach_other_weights_than_the_graph_says_stay_and_are_named(step):
    coupled = coupled_layers(drawn(Block(step)), EXAMPLE)
    assert {group.root for group in coupled.groups} == {"inner"}
    assert set(coupled.excluded) == {"embed.weight", "outer.weight"}


@pytest.mark.parametrize("kept", [[3, 8, 11], [0, 1, 2, 3, 4, 5, 6, 7]])
def test_a_restricted_norm_is_the_norm_of_what_stays(kept):
    norm = drawn(nn.LayerNorm(16))
    features = torch.randn(2, 5, 16)
    marks = torch.zeros(16, dtype=torch.bool)
    marks[kept] = True
    with restricted_norms({norm: marks}):
        seen = norm(features)
    wanted = F.layer_norm(features[..., kept], [len(kept)], norm.weight[kept], norm.bias[kept])
    torch.testing.assert_close(seen[..., kept], wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(norm(features), F.layer_norm(features, [16], norm.weight, norm.bias))
