"""Dependency graph, an adapter over Torch-Pruning's: which channels leave together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import nn

from harness.errors import HarnessError
from harness.pruning._channel_groups import ChannelGroup, Member
from harness.pruning.layers import LAYERS, NORMS, classifier_layers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def graph_groups(
    graph: Any,  # noqa: ANN401 -- Torch-Pruning has no annotations
    model: nn.Module,
    names: Mapping[nn.Module, str],
) -> list[ChannelGroup]:
    """Channel groups by the graph; the classifier's outputs cannot leave.

    Raises HarnessError where Torch-Pruning fails on the model.
    """
    ignored = [*classifier_layers(model), *_attention_projections(model)]
    pruning_groups = graph.get_all_groups(ignored_layers=ignored, root_module_types=list(LAYERS))
    try:
        return [
            _channel_group(graph, group, names) for group in pruning_groups if not _has_blocks(group)
        ]
    except Exception as error:
        raise HarnessError(f"Torch-Pruning cannot group this model's layers: {error}") from error


def _channel_group(graph: Any, group: Any, names: Mapping[nn.Module, str]) -> ChannelGroup:  # noqa: ANN401
    bound = _bound_channels(graph, group[0].dep, len(group[0].idxs))
    members = []
    for item in group.items:
        module = item.dep.target.module
        if isinstance(module, LAYERS + NORMS) and getattr(module, "weight", None) is not None:
            members.append(_member(graph, item, names[module], bound))
    return ChannelGroup(
        root=names[group[0].dep.target.module],
        size=int(bound.max()) + 1,
        members=tuple(members),
        kind=" ".join(_coupling_step(item.dep) for item in group.items),
    )


def _bound_channels(graph: Any, dependency: Any, size: int) -> Tensor:  # noqa: ANN401 -- likewise
    """Bound channels `(size,)`: the same number for channels of a layer that leave only together.

    As where a layer's outputs are concatenated with what a depthwise convolution makes of them.
    """
    module, handler = dependency.target.module, dependency.handler

    def leaving(channel: int) -> list[int]:
        group = graph.get_pruning_group(module, handler, [channel])
        return [
            index
            for item in group.items
            if item.dep.target.module is module and item.dep.handler == handler
            for index in item.idxs
        ]

    if all(set(leaving(channel)) == {channel} for channel in {0, size // 2, size - 1}):
        return torch.arange(size)
    pairs = [(channel, other) for channel in range(size) for other in leaving(channel)]
    one, other = np.array(pairs).T
    edges = coo_array((np.ones(len(pairs)), (one, other)), shape=(size, size))
    return torch.from_numpy(connected_components(edges, directed=False)[1]).long()


def _coupling_step(dependency: Any) -> str:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Coupling step: from which kind of layer to which removal spreads (Fang 2024, sec. 3.2)."""
    ends = (type(end.module).__name__ for end in (dependency.source, dependency.target))
    return "-".join((*ends, dependency.handler.__name__))


def _member(graph: Any, item: Any, name: str, bound: Tensor) -> Member:  # noqa: ANN401 -- Torch-Pruning has no annotations
    module = item.dep.target.module
    produces = bool(graph.is_out_channel_pruning_fn(item.dep.handler))
    norm = isinstance(module, NORMS)
    return Member(
        parameter=f"{name}.weight",
        dim=0 if produces or norm else 1,
        index=torch.tensor(item.idxs, dtype=torch.long),
        root=bound[torch.tensor(item.root_idxs, dtype=torch.long)],
        norm=norm,
    )


def norms_after(graph: Any, names: Mapping[nn.Module, str]) -> dict[str, str]:  # noqa: ANN401
    """Norms by weight name: the one that directly follows a layer."""
    norm_of = {}
    for module, node in graph.module2node.items():
        if isinstance(module, LAYERS):
            after = [norm for output in node.outputs for norm in _norms_at(output)]
            if len(after) == 1:
                norm_of[f"{names[module]}.weight"] = names[after[0]]
    return norm_of


def _norms_at(node: Any) -> list[nn.Module]:  # noqa: ANN401 -- Torch-Pruning has no annotations
    if isinstance(node.module, NORMS):
        return [node.module]
    # A norm that also activates (timm's BatchNormAct2d) is behind an operation of its own.
    if "Norm" in str(getattr(node.module, "_grad_fn", "")):
        return [n.module for n in node.outputs if isinstance(n.module, NORMS)]
    return []


def _attention_projections(model: nn.Module) -> list[nn.Module]:
    """Attention projections: layers that make queries, keys and values, laid out by heads."""
    return [
        layer
        for attention in model.modules()
        if hasattr(attention, "num_heads")
        for name, layer in attention.named_children()
        if isinstance(layer, LAYERS) and "proj" not in name.split("_")
    ]


def _has_blocks(group: Any) -> bool:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Whether a grouped convolution is in it, whose inputs leave only in whole blocks."""
    groups = [(getattr(m, "groups", 1), getattr(m, "out_channels", 1)) for m in _modules(group)]
    return any(1 < count < outputs for count, outputs in groups)


def _modules(group: Any) -> list[nn.Module]:  # noqa: ANN401 -- Torch-Pruning has no annotations
    return [item.dep.target.module for item in group.items]
