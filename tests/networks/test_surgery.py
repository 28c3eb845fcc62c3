"""Channels cut by the dependency graph: the same as Torch-Pruning's own, and as masks."""

import copy

import pytest
import torch
import torch_pruning
from torch import nn

from harness.networks.layers import count_macs, prunable_weights
from harness.networks.surgery import coupled_layers, remove_channels, replay
from harness.pruning._channel_selection import channel_scores, comparable_scores, lowest_channels
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.timm import TimmModel

EXAMPLE = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def scored(model, power):
    """Weights and norm scales to the power: what the magnitude criteria return."""
    coupled = coupled_layers(model, EXAMPLE)
    parameters = dict(model.named_parameters())
    names = [*prunable_weights(model), *(f"{norm}.weight" for norm in coupled.norm_of.values())]
    scores = {name: parameters[name].detach().abs() ** power for name in names}
    return coupled, [channel_scores(scores, group)[0] for group in coupled.groups]


@pytest.mark.parametrize(
    ("power", "ratio", "scope"),
    # L1 over the whole network would empty whole layers, where Torch-Pruning prunes nothing at all.
    [(2, 0.3, "global"), (2, 0.6, "global"), (1, 0.25, "local"), (2, 0.5, "local")],
)
def test_norms_keep_the_channels_that_torch_pruning_keeps(resnet18, power, ratio, scope):
    theirs = copy.deepcopy(resnet18)
    importance = torch_pruning.importance.MagnitudeImportance(p=power, normalizer=None)
    torch_pruning.pruner.BasePruner(
        theirs,
        EXAMPLE,
        importance=importance,
        pruning_ratio=ratio,
        global_pruning=scope == "global",
        ignored_layers=[theirs.fc],
    ).step()
    coupled, scores = scored(resnet18, power)
    count = sum(group.size for group in coupled.groups) - _channels_left(theirs, coupled)
    keep = lowest_channels(comparable_scores(scores, coupled.groups, scope=scope), count)
    ours = copy.deepcopy(resnet18)
    remove_channels(ours, EXAMPLE, list(zip(coupled.groups, keep.masks, strict=True)))
    assert count == pytest.approx(ratio * sum(group.size for group in coupled.groups), abs=1)
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other), name
    assert count_macs(ours, EXAMPLE) == count_macs(theirs, EXAMPLE)


def _channels_left(model, coupled):
    return sum(len(model.get_submodule(group.root).weight) for group in coupled.groups)


def test_a_cut_model_computes_what_its_masked_twin_computes(network):
    coupled, scores = scored(network, 2)
    keep = lowest_channels(scores, 9)
    masked, cut = copy.deepcopy(network), copy.deepcopy(network)
    remove_channels(cut, EXAMPLE, list(zip(coupled.groups, keep.masks, strict=True)))
    parameters = dict(masked.named_parameters())
    buffers = dict(masked.named_buffers())
    with torch.no_grad():
        for group, mask in zip(coupled.groups, keep.masks, strict=True):
            for member in group.members:
                gone = member.index[~mask[member.root]]
                parameters[member.parameter].index_fill_(member.dim, gone, 0.0)
                if member.norm:
                    owner = member.parameter.removesuffix(".weight")
                    parameters[f"{owner}.bias"].index_fill_(0, gone, 0.0)
                    buffers[f"{owner}.running_mean"].index_fill_(0, gone, 0.0)
        torch.testing.assert_close(cut(EXAMPLE), masked(EXAMPLE), rtol=1e-4, atol=1e-5)
    assert sum(p.numel() for p in cut.parameters()) < sum(p.numel() for p in masked.parameters())


def test_a_history_rebuilds_the_architecture(network):
    coupled, scores = scored(network, 1)
    keep = lowest_channels(comparable_scores(scores, coupled.groups, scope="local"), 6)
    cut, fresh = copy.deepcopy(network), copy.deepcopy(network)
    history = remove_channels(cut, EXAMPLE, list(zip(coupled.groups, keep.masks, strict=True)))
    replay(fresh, EXAMPLE, history)
    fresh.load_state_dict(cut.state_dict())
    with torch.no_grad():
        assert torch.equal(fresh(EXAMPLE), cut(EXAMPLE))


def test_the_classifier_and_the_images_keep_their_channels(network):
    coupled = coupled_layers(network, EXAMPLE)
    producers = {m.parameter for g in coupled.groups for m in g.members if m.dim == 0}
    consumers = {m.parameter for g in coupled.groups for m in g.members if m.dim == 1}
    assert "classifier.weight" in consumers - producers
    assert "first.weight" in producers - consumers


def test_norms_are_matched_with_the_layer_they_follow(network):
    assert dict(coupled_layers(network, EXAMPLE).norm_of) == {
        "first.weight": "norm1",
        "second.weight": "norm2",
        "third.weight": "norm3",
    }


def built(name):
    torch.manual_seed(0)
    return TimmModel(name).build(Digits()).eval()


def test_norms_that_also_activate_are_found_too():
    model = built("mobilenetv3_small_050")
    names = {m: n for n, m in model.named_modules()}
    norms = {n for m, n in names.items() if isinstance(m, nn.BatchNorm2d)}
    assert set(coupled_layers(model, EXAMPLE).norm_of.values()) == norms


@pytest.mark.parametrize(
    "name", ["test_vit", "regnetx_002", "mobilenetv3_small_050", "test_efficientnet"]
)
def test_every_family_is_cut_and_still_runs(name):
    model = built(name)
    coupled, scores = scored(model, 2)
    count = sum(group.size for group in coupled.groups) // 2
    keep = lowest_channels(comparable_scores(scores, coupled.groups, scope="local"), count)
    before = count_macs(model, EXAMPLE)
    remove_channels(model, EXAMPLE, list(zip(coupled.groups, keep.masks, strict=True)))
    assert model(EXAMPLE).shape == (2, 10)
    assert count_macs(model, EXAMPLE) < before


def test_blocks_of_a_grouped_convolution_are_cut_alike():
    model = built("regnetx_002")
    coupled = coupled_layers(model, EXAMPLE)
    assert coupled.excluded == ()
    blocks = {group.root: group for group in coupled.groups}
    name = next(root for root in blocks if root.endswith("conv2.conv"))
    layer = model.get_submodule(name)
    assert blocks[name].size == layer.out_channels // layer.groups == 8
    keep = torch.arange(8) != 3
    groups, outputs = layer.groups, layer.out_channels
    remove_channels(model, EXAMPLE, [(blocks[name], keep)])
    assert (layer.groups, layer.out_channels) == (groups, outputs - groups)
    assert model(EXAMPLE).shape == (2, 10)


def test_a_model_without_channels_to_remove_says_so():
    from harness.errors import UnsupportedError

    with pytest.raises(UnsupportedError, match="no channels"):
        coupled_layers(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)), EXAMPLE)


class Ghost(nn.Module):
    """Channels beside what a depthwise convolution makes of them, added to a shortcut (Han 2020)."""

    def __init__(self):
        super().__init__()
        self.primary = nn.Conv2d(3, 6, 1)
        self.cheap = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.shortcut = nn.Conv2d(3, 12, 1)
        self.head = nn.Linear(12, 10)

    def forward(self, images):
        primary = self.primary(images)
        ghost = torch.cat([primary, self.cheap(primary)], dim=1)
        return self.head((ghost + self.shortcut(images)).relu().mean((2, 3)))


def test_channels_that_leave_only_together_are_one():
    torch.manual_seed(0)
    model = Ghost().eval()
    [group] = coupled_layers(model, EXAMPLE).groups
    assert group.size == 6
    assert {member.parameter for member in group.producers} == {
        "primary.weight",
        "cheap.weight",
        "shortcut.weight",
    }
    keep = torch.tensor([True, False, True, True, False, True])
    before = count_macs(model, EXAMPLE)
    cut, twin = copy.deepcopy(model), copy.deepcopy(model)
    history = remove_channels(cut, EXAMPLE, [(group, keep)])
    assert history == [("shortcut", True, [1, 4, 7, 10])]
    assert count_macs(cut, EXAMPLE) < 0.7 * before
    twin.head.weight.data[:, [1, 4, 7, 10]] = 0.0
    torch.testing.assert_close(cut(EXAMPLE), twin(EXAMPLE))


def test_a_layer_that_is_cut_again_is_cut_as_it_is_by_then(network):
    """Rounds are told by a layer that comes again: its channels are numbered anew."""
    cut, again = copy.deepcopy(network), copy.deepcopy(network)
    history: list = []
    for _ in range(2):
        groups = coupled_layers(cut, EXAMPLE).groups
        removals = [(group, torch.arange(group.size) > 0) for group in groups]
        history += remove_channels(cut, EXAMPLE, removals)
    replay(again, EXAMPLE, [list(step) for step in history])
    for name, weight in cut.state_dict().items():
        assert again.state_dict()[name].shape == weight.shape
    first = again.get_parameter("first.weight")
    torch.testing.assert_close(first, network.first.weight[2:])
