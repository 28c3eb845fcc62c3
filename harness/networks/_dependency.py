"""Dependency graph, an adapter over Torch-Pruning's: which channels leave together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import nn

from harness.networks._restricted_norms import is_response_norm
from harness.networks.channel_groups import ChannelGroup, Member
from harness.networks.layers import CONVOLUTIONS, LAYERS, NORMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor


def graph_groups(
    graph: Any,  # noqa: ANN401 -- Torch-Pruning has no annotations
    model: nn.Module,
    names: Mapping[nn.Module, str],
    *,
    classifier: Sequence[nn.Module],
) -> list[ChannelGroup]:
    """Channel groups by the graph; outputs of the layers of the classifier cannot leave.

    What Torch-Pruning cannot follow costs the layers that it couples, and no others.
    """
    ignored = {*classifier, *_attention_projections(model)}
    groups, visited = [], set(ignored)
    for layer in [module for module in graph.module2node if isinstance(module, LAYERS)]:
        if layer not in visited:
            group, losing = _group_at(graph, layer, names)
            visited |= losing
            if group is not None and losing.isdisjoint(ignored):
                groups.append(group)
    return groups


def _group_at(
    graph: Any,  # noqa: ANN401 -- Torch-Pruning has no annotations
    layer: nn.Module,
    names: Mapping[nn.Module, str],
) -> tuple[ChannelGroup | None, set[nn.Module]]:
    """Group of a layer's outputs and the modules that lose theirs; None where it cannot leave."""
    pruner = graph.get_pruner_of_module(layer)
    channels = [*range(pruner.get_out_channels(layer))]
    try:
        whole = graph.get_pruning_group(layer, pruner.prune_out_channels, channels)
        losing = {
            module for module, handler in _losing(whole) if graph.is_out_channel_pruning_fn(handler)
        }
        return (None if _splits_blocks(graph, whole) else _channel_group(graph, whole, names)), losing
    except Exception:
        # As an index behind a shuffle of pixels.
        return None, set()


def _losing(group: Any) -> list[tuple[nn.Module, Any]]:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Modules that lose channels, and by which function."""
    return [(item.dep.target.module, item.dep.handler) for item in group.items]


def _channel_group(graph: Any, group: Any, names: Mapping[nn.Module, str]) -> ChannelGroup:  # noqa: ANN401
    bound = _bound_channels(graph, group)
    response_norms = {norm.weight: name for norm, name in names.items() if is_response_norm(norm)}
    members = []
    for item in group.items:
        module = item.dep.target.module
        if isinstance(module, LAYERS + NORMS) and getattr(module, "weight", None) is not None:
            members.append(_member(graph, item, f"{names[module]}.weight", bound))
        elif module in response_norms:
            members.append(_member(graph, item, f"{response_norms[module]}.weight", bound))
    return ChannelGroup(
        root=names[group[0].dep.target.module],
        size=int(bound.max()) + 1,
        members=tuple(members),
        kind=" ".join(_coupling_step(item.dep) for item in group.items),
    )


def _bound_channels(graph: Any, group: Any) -> Tensor:  # noqa: ANN401 -- likewise
    """Bound channels `(size,)`: the same number for channels of a layer that leave only together.

    As where a layer's outputs are concatenated with what a depthwise convolution makes of them, or as
    many have to leave every block of a group norm or a grouped convolution.
    """
    size = len(group[0].idxs)
    pairs = [*_coupled_pairs(graph, group[0].dep, size), *_block_pairs(graph, group)]
    if not pairs:
        return torch.arange(size)
    one, other = np.array(pairs).T
    edges = coo_array((np.ones(len(pairs)), (one, other)), shape=(size, size))
    return torch.from_numpy(connected_components(edges, directed=False)[1]).long()


def _block_pairs(graph: Any, group: Any) -> Iterator[tuple[int, int]]:  # noqa: ANN401 -- likewise
    """Pairs of channels with one number within their blocks."""
    for item in group.items:
        width, first = _block_width(graph, item), dict[int, int]()
        if width is not None:
            for index, root in zip(item.idxs, item.root_idxs, strict=True):
                yield first.setdefault(index % width, root), root


def _block_width(graph: Any, item: Any) -> int | None:  # noqa: ANN401 -- likewise
    """Channels of each block that a group norm or a grouped convolution sees apart; None without."""
    layer = item.dep.target.module
    if isinstance(layer, nn.GroupNorm) and 1 < layer.num_groups < layer.num_channels:
        return layer.num_channels // layer.num_groups
    if isinstance(layer, CONVOLUTIONS) and 1 < layer.groups < layer.out_channels:
        return _channels(graph, item) // layer.groups
    return None


def _channels(graph: Any, item: Any) -> int:  # noqa: ANN401 -- likewise
    """Channels of a convolution on the side where it loses some."""
    layer, outputs = item.dep.target.module, graph.is_out_channel_pruning_fn(item.dep.handler)
    return int(layer.out_channels if outputs else layer.in_channels)


def _coupled_pairs(graph: Any, dependency: Any, size: int) -> list[tuple[int, int]]:  # noqa: ANN401 -- likewise
    """Pairs of channels of which the graph has both leave; none where each leaves alone."""
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
        return []
    return [(channel, other) for channel in range(size) for other in leaving(channel)]


def _coupling_step(dependency: Any) -> str:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Coupling step: from which kind of layer to which removal spreads (Fang 2024, sec. 3.2)."""
    ends = (type(end.module).__name__ for end in (dependency.source, dependency.target))
    return "-".join((*ends, dependency.handler.__name__))


def _member(graph: Any, item: Any, parameter: str, bound: Tensor) -> Member:  # noqa: ANN401 -- Torch-Pruning has no annotations
    module = item.dep.target.module
    produces = bool(graph.is_out_channel_pruning_fn(item.dep.handler))
    norm = isinstance(module, (*NORMS, nn.Parameter))
    index = torch.tensor(item.idxs, dtype=torch.long)
    root = bound[torch.tensor(item.root_idxs, dtype=torch.long)]
    width = _block_width(graph, item)
    if not (produces or norm or width is None):
        # A grouped convolution's weight has the inputs of one block, and all blocks lose the same.
        index, root = index[index < width], root[index < width]
    return Member(
        parameter=parameter, dim=0 if produces or norm else 1, index=index, root=root, norm=norm
    )


def _attention_projections(model: nn.Module) -> list[nn.Module]:
    """Attention projections: layers that make queries, keys and values, laid out by heads."""
    return [
        layer
        for attention in model.modules()
        if hasattr(attention, "num_heads")
        for name, layer in attention.named_children()
        if isinstance(layer, LAYERS) and "proj" not in name.split("_")
    ]


def _splits_blocks(graph: Any, group: Any) -> bool:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Whether only some channels of a grouped convolution are in it, whose blocks lose the same."""
    return any(
        len(item.idxs) < _channels(graph, item)
        for item in group.items
        if isinstance(item.dep.target.module, CONVOLUTIONS) and _block_width(graph, item) is not None
    )
