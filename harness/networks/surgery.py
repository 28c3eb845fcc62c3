"""Channel surgery: from channel masks to a smaller model, by Torch-Pruning's DepGraph.

The dependency graph (Fang 2023) finds which layers lose which slices together; nothing here cuts a
tensor by hand. A model's removals are its `History`, which rebuilds the same small architecture from
a freshly built large one.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import nn

from harness.errors import HarnessError, UnsupportedError
from harness.networks._cut_check import removable_groups
from harness.networks._dependency import graph_groups
from harness.networks._following_norms import norms_after
from harness.networks._heads_and_mlps import BIAS_TABLE, head_and_mlp_groups
from harness.networks._torch_pruning_graph import (
    cut_layer,
    ignore_warnings,
    traced_model,
)
from harness.networks.channel_groups import ChannelGroup, CoupledLayers, CutsCopies
from harness.networks.classifier import classifier_layers
from harness.networks.layers import LAYERS, exempt_weights, prunable_weights, tied_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

History = list[tuple[str, bool, list[int]]]
"""Pruning history in order: root module, whether output channels, and which channels or heads."""


def coupled_layers(model: nn.Module, example: Tensor) -> CoupledLayers:
    """Trace the model and list the groups of channels that can leave; the classifier's cannot.

    Every group is tried before it is offered. Raises UnsupportedError where nothing can be removed.
    """
    names = {module: name for name, module in model.named_modules()}
    classifier = classifier_layers(model, example)
    traced: CutsCopies | None = None
    try:
        traced = traced_model(model, example)
        groups = graph_groups(traced.graph, model, names, classifier=classifier)
        norm_of = norms_after(traced.graph, names)
    except HarnessError as error:
        # Heads and MLPs need no graph.
        groups, norm_of, problem = [], {}, str(error)
    else:
        problem = (
            "the dependency graph finds no channels that can be removed; "
            "single weights may be (--granularities weight)"
        )
    remove = partial(_remove, example=example, traced=traced)
    # A cut makes two parameters of what was one; what is exempt has no score.
    whole = tied_parameters(model) | {*exempt_weights(model)}
    groups = [group for group in groups if whole.isdisjoint(m.parameter for m in group.members)]
    removable = removable_groups(model, example[:1], groups, remove)
    heads_and_mlps = [group for group in head_and_mlp_groups(model) if not _overlaps(group, removable)]
    removable += removable_groups(model, example[:1], heads_and_mlps, remove)
    if not removable:
        raise UnsupportedError(problem)
    leaving = {member.parameter for group in removable for member in group.producers}
    leaving |= {f"{names[layer]}.weight" for layer in classifier}
    return CoupledLayers(
        groups=tuple(removable),
        norm_of=norm_of,
        excluded=tuple(name for name in _weight_names(model) if name not in leaving),
        traced=traced,
    )


def _weight_names(model: nn.Module) -> list[str]:
    """Names of all that channels could leave, of layers that no criterion scores too."""
    unscored = [
        f"{name}.{own}"
        for name, module in model.named_modules()
        if not isinstance(module, LAYERS)
        for own, parameter in module.named_parameters(recurse=False)
        if "weight" in own and parameter.dim() > 1
    ]
    return [*prunable_weights(model), *unscored]


def _overlaps(group: ChannelGroup, groups: Sequence[ChannelGroup]) -> bool:
    parameters = {member.parameter for group in groups for member in group.producers}
    return any(member.parameter in parameters for member in group.producers)


def remove_channels(
    model: nn.Module,
    example: Tensor,
    removals: Sequence[tuple[ChannelGroup, Tensor]],
    *,
    traced: CutsCopies | None = None,
) -> History:
    """Cut channels in place that each group's keep mask drops, and return the history of that.

    What the groups were `traced` with saves tracing again, where `model` is a copy.
    """
    history: History = [
        (group.root, True, _root_channels(group, ~mask))
        for group, mask in removals
        if not bool(mask.all())
    ]
    replay(model, example, history, traced=traced)
    return history


def _root_channels(group: ChannelGroup, gone: Tensor) -> list[int]:
    """Channel numbers of the root layer that leave; attentions and MLPs have none but the group's."""
    for member in group.producers:
        if member.parameter == f"{group.root}.weight":
            return sorted(member.index[gone[member.root]].tolist())
    return gone.nonzero().flatten().tolist()


def _remove(
    model: nn.Module,
    removals: Sequence[tuple[ChannelGroup, Tensor]],
    *,
    example: Tensor,
    traced: CutsCopies | None,
) -> None:
    remove_channels(model, example, removals, traced=traced)


def replay(
    model: nn.Module, example: Tensor, history: History, *, traced: CutsCopies | None = None
) -> None:
    """Replay a pruning history on a freshly built model, in place; what is frozen stays frozen.

    Heads and MLPs that were cut by themselves are not in the graph's groups: the order between
    them is free. Layers are traced for each round unless they are `traced` as the model is.
    """
    trained = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    heads_and_mlps = [step for step in history if not isinstance(model.get_submodule(step[0]), LAYERS)]
    channels = [step for step in history if step not in heads_and_mlps]
    for cuts in _rounds(channels):
        if traced is None or not traced.fits(model):
            traced = traced_model(model, example)
        with ignore_warnings():
            traced.cut(model, cuts)
    for name, _, gone in heads_and_mlps:
        cut_heads_or_mlp(model.get_submodule(name), gone)
    for name, parameter in model.named_parameters():
        # What was cut is a new parameter.
        parameter.requires_grad_(trained[name])


def trace(model: nn.Module, example: Tensor) -> CutsCopies | None:
    """What cuts copies of a model, traced once; None where Torch-Pruning cannot trace it."""
    with suppress(HarnessError):
        return traced_model(model, example)
    return None


def _rounds(history: History) -> list[History]:
    """The history in rounds, in each of which no layer is cut twice: later channels are other ones."""
    rounds: list[History] = []
    cut: set[tuple[str, bool]] = set()
    for name, outputs, gone in history:
        if not rounds or (name, outputs) in cut:
            rounds.append([])
            cut = set()
        rounds[-1].append((name, outputs, gone))
        cut.add((name, outputs))
    return rounds


def cut_heads_or_mlp(module: Any, gone: Sequence[int]) -> None:  # noqa: ANN401 -- duck-typed
    """Take heads out of an attention, or inner features out of an MLP, in place."""
    if not hasattr(module, "num_heads"):
        cut_layer(module.fc1, gone, dim=0)
        cut_layer(module.fc2, gone, dim=1)
        return
    inputs = module.proj.in_features
    width = inputs // module.num_heads
    columns = [head * width + at for head in gone for at in range(width)]
    cut_layer(module.qkv, [third * inputs + at for third in range(3) for at in columns], dim=0)
    cut_layer(module.proj, columns, dim=1)
    stays = [head for head in range(module.num_heads) if head not in set(gone)]
    if hasattr(module, BIAS_TABLE):
        table = getattr(module, BIAS_TABLE)
        setattr(module, BIAS_TABLE, nn.Parameter(table.detach()[:, stays].clone()))
    module.num_heads = len(stays)
    if hasattr(module, "attn_dim"):
        module.attn_dim = module.proj.in_features
