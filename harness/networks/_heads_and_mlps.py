"""Attention heads and widths of MLPs, which are cut by themselves, without a graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from harness.networks.channel_groups import ChannelGroup, Member

BIAS_TABLE = "relative_position_bias_table"
"""Position bias `(positions, heads)` of windowed attention (Liu 2021)."""


def is_attention(module: Any) -> bool:  # noqa: ANN401 -- duck-typed
    """Whether an attention has one layer for queries, keys and values, and nothing else has heads."""
    heads, qkv, proj = (getattr(module, name, None) for name in ("num_heads", "qkv", "proj"))
    if not (isinstance(heads, int) and isinstance(qkv, nn.Linear) and isinstance(proj, nn.Linear)):
        return False
    direct = {name for name, _ in module.named_parameters(recurse=False)}
    shaped = qkv.out_features == 3 * proj.in_features and proj.in_features % heads == 0
    return heads > 1 and shaped and direct <= {BIAS_TABLE}


def is_mlp(module: Any) -> bool:  # noqa: ANN401 -- duck-typed
    """Whether an MLP has two layers that share a width, and nothing else depends on it."""
    first, second = getattr(module, "fc1", None), getattr(module, "fc2", None)
    layers = [m for m in module.modules() if next(m.parameters(recurse=False), None) is not None]
    if {id(layer) for layer in layers} != {id(first), id(second)}:
        return False
    width = _width(first, 0)
    return width is not None and width > 1 and width == _width(second, 1)


def _width(layer: object, dim: int) -> int | None:
    if isinstance(layer, nn.Linear):
        return (layer.out_features, layer.in_features)[dim]
    if isinstance(layer, nn.Conv2d) and layer.groups == 1:
        return (layer.out_channels, layer.in_channels)[dim]
    return None


def head_and_mlp_groups(model: nn.Module) -> list[ChannelGroup]:
    """Channel groups of the attentions and MLPs that are built as most are."""
    attentions = [_head_group(name, m) for name, m in model.named_modules() if is_attention(m)]
    return attentions + [_mlp_group(name, m) for name, m in model.named_modules() if is_mlp(m)]


def _head_group(name: str, attention: Any) -> ChannelGroup:  # noqa: ANN401 -- duck-typed
    inputs = torch.arange(attention.proj.in_features)
    head = inputs // (len(inputs) // attention.num_heads)
    outputs = torch.cat([inputs + third * len(inputs) for third in range(3)])
    members = (
        Member(parameter=f"{name}.qkv.weight", dim=0, index=outputs, root=head.repeat(3)),
        Member(parameter=f"{name}.proj.weight", dim=1, index=inputs, root=head),
    )
    return ChannelGroup(root=name, size=attention.num_heads, members=members, kind="heads")


def _mlp_group(name: str, mlp: Any) -> ChannelGroup:  # noqa: ANN401 -- duck-typed
    width = torch.arange(mlp.fc1.weight.shape[0])
    members = (
        Member(parameter=f"{name}.fc1.weight", dim=0, index=width, root=width),
        Member(parameter=f"{name}.fc2.weight", dim=1, index=width, root=width),
    )
    return ChannelGroup(root=name, size=len(width), members=members, kind="mlp")
