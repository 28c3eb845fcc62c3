"""From channel masks to a physically smaller model: an adapter over Torch-Pruning's DepGraph.

The dependency graph (Fang 2023) finds which layers lose which slices together; nothing here cuts a
tensor by hand. A model's removals are its `History`, which rebuilds the same small architecture from
a freshly built large one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from harness.errors import HarnessError, UnsupportedError
from harness.masks import ChannelGroup, Member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)

History = list[tuple[str, bool, list[int]]]
"""Removals in order: root layer, whether output channels, and which."""


def prunable_weights(model: nn.Module) -> dict[str, Tensor]:
    """Weights of convolutions and linear layers: the parameters that a sparsity counts."""
    return {
        f"{name}.weight": module.weight
        for name, module in model.named_modules()
        if isinstance(module, LAYERS)
    }


def classifier_layers(model: nn.Module) -> Sequence[nn.Module]:
    """Layers whose outputs are the classes, which are never removed.

    timm's `get_classifier` where the model has one, else the last layer.
    """
    getter = getattr(model, "get_classifier", None)
    found = getter() if callable(getter) else None
    heads = found if isinstance(found, tuple | list) else [found]
    layers = [
        layer
        for head in heads
        if isinstance(head, nn.Module)
        for layer in head.modules()
        if isinstance(layer, LAYERS)
    ]
    return layers or [m for m in model.modules() if isinstance(m, LAYERS)][-1:]


@dataclass(frozen=True, kw_only=True)
class CoupledLayers:
    """What the graph of one model says: its channel groups, and the norm that follows each layer.

    `excluded` names the weights whose channels cannot leave, the classifier aside.
    """

    groups: tuple[ChannelGroup, ...]
    norm_of: Mapping[str, str]
    excluded: tuple[str, ...]


def coupled_layers(model: nn.Module, example: Tensor) -> CoupledLayers:
    """Trace the model and list the groups of channels that can leave; the classifier's cannot.

    Raises UnsupportedError where nothing can be removed, HarnessError where it cannot be traced.
    """
    graph = _graph(model, example)
    names = {module: name for name, module in model.named_modules()}
    ignored = [*classifier_layers(model), *_attention_projections(model)]
    found = graph.get_all_groups(ignored_layers=ignored, root_module_types=list(LAYERS))
    groups = tuple(_channel_group(graph, group, names) for group in found if not _has_blocks(group))
    if not groups:
        raise UnsupportedError("the dependency graph finds no channels that can be removed")
    classifier = {f"{names[layer]}.weight" for layer in classifier_layers(model)}
    producers = {member.parameter for group in groups for member in group.producers}
    return CoupledLayers(
        groups=groups,
        norm_of=_norms_after(graph, names),
        excluded=tuple(n for n in prunable_weights(model) if n not in producers | classifier),
    )


def remove_channels(
    model: nn.Module, example: Tensor, removals: Sequence[tuple[ChannelGroup, Tensor]]
) -> History:
    """Cut, in place, the channels that each group's keep mask drops; what was cut is returned."""
    history: History = [
        (group.root, True, (~mask).nonzero().flatten().tolist())
        for group, mask in removals
        if not bool(mask.all())
    ]
    replay(model, example, history)
    return history


def replay(model: nn.Module, example: Tensor, history: History) -> None:
    """Cut a freshly built model, in place, to the architecture that `history` led to."""
    if history:
        with _quiet():
            _graph(model, example).load_pruning_history([list(step) for step in history])


def _graph(model: nn.Module, example: Tensor) -> Any:  # noqa: ANN401 -- Torch-Pruning has no annotations
    import torch_pruning

    training = model.training
    model.eval()
    try:
        with _quiet():
            return torch_pruning.DependencyGraph().build_dependency(model, example)
    except Exception as error:
        raise HarnessError(f"Torch-Pruning cannot trace this model: {error}") from error
    finally:
        model.train(training)


def _quiet() -> warnings.catch_warnings[None]:
    return warnings.catch_warnings(action="ignore")


def _channel_group(graph: Any, group: Any, names: Mapping[nn.Module, str]) -> ChannelGroup:  # noqa: ANN401
    members = []
    for item in group.items:
        module = item.dep.target.module
        if isinstance(module, LAYERS + NORMS) and getattr(module, "weight", None) is not None:
            members.append(_member(graph, item, names[module]))
    return ChannelGroup(
        root=names[group[0].dep.target.module], size=len(group[0].idxs), members=tuple(members)
    )


def _member(graph: Any, item: Any, name: str) -> Member:  # noqa: ANN401 -- Torch-Pruning has no annotations
    module = item.dep.target.module
    produces = bool(graph.is_out_channel_pruning_fn(item.dep.handler))
    norm = isinstance(module, NORMS)
    return Member(
        parameter=f"{name}.weight",
        dim=0 if produces or norm else 1,
        index=torch.tensor(item.idxs, dtype=torch.long),
        root=torch.tensor(item.root_idxs, dtype=torch.long),
        norm=norm,
    )


def _norms_after(graph: Any, names: Mapping[nn.Module, str]) -> dict[str, str]:  # noqa: ANN401
    found = {}
    for module, node in graph.module2node.items():
        if isinstance(module, LAYERS):
            after = [norm for output in node.outputs for norm in _norms_at(output)]
            if len(after) == 1:
                found[f"{names[module]}.weight"] = names[after[0]]
    return found


def _norms_at(node: Any) -> list[nn.Module]:  # noqa: ANN401 -- Torch-Pruning has no annotations
    if isinstance(node.module, NORMS):
        return [node.module]
    # A norm that also activates (timm's BatchNormAct2d) is behind an operation of its own.
    if "Norm" in str(getattr(node.module, "_grad_fn", "")):
        return [n.module for n in node.outputs if isinstance(n.module, NORMS)]
    return []


def _attention_projections(model: nn.Module) -> list[nn.Module]:
    """Layers that make queries, keys and values: their outputs are laid out by heads."""
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
