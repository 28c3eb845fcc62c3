"""Heads and inner widths leave whole, and what stays computes what it did."""

import copy

import pytest
import torch
from torch import nn

from harness.networks._heads_and_mlps import head_and_mlp_groups, is_attention
from harness.networks.layers import prunable_weights
from harness.networks.surgery import coupled_layers, cut_heads_or_mlp, remove_channels, replay
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.timm import TimmModel

EXAMPLE = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def attentions(model):
    return [module for module in model.modules() if is_attention(module)]


def built(name):
    torch.manual_seed(0)
    return TimmModel(name).build(Digits()).eval()


@pytest.mark.parametrize(
    "name", ["vit_tiny_patch16_224", "deit_tiny_patch16_224", "swin_tiny_patch4_window7_224"]
)
def test_heads_leave_as_their_masked_twin_says(name):
    model = built(name)
    groups = [group for group in head_and_mlp_groups(model) if group.kind == "heads"]
    assert len(groups) == len(attentions(model)) > 0
    masked = copy.deepcopy(model)
    keep = []
    for place, group in enumerate(groups):
        mask = torch.ones(group.size, dtype=torch.bool)
        mask[place % group.size] = False
        keep.append((group, mask))
        attention = masked.get_submodule(group.root)
        width = attention.proj.in_features // group.size
        attention.proj.weight.data.unflatten(1, (group.size, width))[:, ~mask] = 0.0
    cut = copy.deepcopy(model)
    history = remove_channels(cut, EXAMPLE, keep)
    torch.testing.assert_close(cut(EXAMPLE), masked(EXAMPLE), rtol=1e-3, atol=1e-4)
    again = built(name)
    replay(again, EXAMPLE, history)
    again.load_state_dict(cut.state_dict())
    assert torch.equal(again(EXAMPLE), cut(EXAMPLE))


def test_heads_embeddings_and_mlps_of_a_transformer_all_leave():
    model = built("vit_tiny_patch16_224")
    coupled = coupled_layers(model, EXAMPLE)
    roots = {group.root: group.size for group in coupled.groups}
    assert roots["blocks.0.attn"] == 3
    assert roots["blocks.0.mlp.fc1"] == 768
    assert 192 in roots.values()
    assert coupled.excluded == ()
    keep = [(g, torch.arange(g.size) < max(1, g.size // 2)) for g in coupled.groups]
    remove_channels(model, EXAMPLE, keep)
    assert model(EXAMPLE).shape == (2, 10)
    assert {block.attn.num_heads for block in model.blocks} == {1}
    assert prunable_weights(model)["blocks.0.mlp.fc1.weight"].shape == (384, 96)


def test_a_part_that_would_compute_something_else_is_not_offered():
    class Doubling(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(8, 6), nn.Linear(6, 8)

        def forward(self, x):
            hidden = self.fc1(x)
            # Whoever normalises over the width sees the channels that leave.
            return self.fc2(hidden / hidden.abs().sum(-1, keepdim=True))

    class Plain(Doubling):
        def forward(self, x):
            return self.fc2(self.fc1(x).relu())

    model = nn.Sequential(Doubling(), Plain(), nn.Linear(8, 3)).eval()
    groups = coupled_layers(model, torch.randn(2, 8)).groups
    assert [group.root for group in groups if group.size == 6] == ["1.fc1"]


def test_cutting_sets_what_attention_reads_of_itself():
    attention = built("vit_tiny_patch16_224").blocks[0].attn
    cut_heads_or_mlp(attention, [1])
    assert (attention.num_heads, attention.head_dim, attention.attn_dim) == (2, 64, 128)
