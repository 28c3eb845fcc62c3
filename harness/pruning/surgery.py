"""From channel masks to a physically smaller model: an adapter over Torch-Pruning's DepGraph.

The dependency graph (Fang 2023) finds which layers lose which slices together; nothing here cuts a
tensor by hand. A model's removals are its `History`, which rebuilds the same small architecture from
a freshly built large one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UnsupportedError
from harness.pruning.channel_groups import CoupledLayers
from harness.pruning.cut_check import sound_groups
from harness.pruning.dependency import graph_groups, norms_after
from harness.pruning.heads_and_mlps import cut_unit, unit_groups
from harness.pruning.layers import LAYERS, classifier_layers, prunable_weights
from harness.pruning.torch_pruning_graph import dependency_graph, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from harness.pruning.channel_groups import ChannelGroup

History = list[tuple[str, bool, list[int]]]
"""Removals in order: root layer or unit, whether output channels, and which channels or heads."""


def coupled_layers(model: nn.Module, example: Tensor) -> CoupledLayers:
    """Trace the model and list the groups of channels that can leave; the classifier's cannot.

    Every group is tried before it is offered. Raises UnsupportedError where nothing can be removed.
    """
    names = {module: name for name, module in model.named_modules()}
    try:
        graph = dependency_graph(model, example)
        groups, norm_of = graph_groups(graph, model, names), norms_after(graph, names)
    except HarnessError as error:
        # Heads and MLPs need no graph.
        groups, norm_of, problem = [], {}, str(error)
    else:
        problem = "the dependency graph finds no channels that can be removed"
    remove = partial(_remove, example=example)
    sound = sound_groups(model, example, groups, remove)
    units = [unit for unit in unit_groups(model) if not _overlaps(unit, sound)]
    sound += sound_groups(model, example, units, remove)
    if not sound:
        raise UnsupportedError(problem)
    classifier = {f"{names[layer]}.weight" for layer in classifier_layers(model)}
    producers = {member.parameter for group in sound for member in group.producers}
    return CoupledLayers(
        groups=tuple(sound),
        norm_of=norm_of,
        excluded=tuple(n for n in prunable_weights(model) if n not in producers | classifier),
    )


def _overlaps(unit: ChannelGroup, groups: Sequence[ChannelGroup]) -> bool:
    made = {member.parameter for group in groups for member in group.producers}
    return any(member.parameter in made for member in unit.producers)


def remove_channels(
    model: nn.Module, example: Tensor, removals: Sequence[tuple[ChannelGroup, Tensor]]
) -> History:
    """Cut, in place, the channels that each group's keep mask drops; what was cut is returned."""
    history: History = [
        (group.root, True, _root_channels(group, ~mask))
        for group, mask in removals
        if not bool(mask.all())
    ]
    replay(model, example, history)
    return history


def _root_channels(group: ChannelGroup, gone: Tensor) -> list[int]:
    """The root layer's own numbers of channels that leave; a unit has none but the group's."""
    for member in group.producers:
        if member.parameter == f"{group.root}.weight":
            return sorted(member.index[gone[member.root]].tolist())
    return gone.nonzero().flatten().tolist()


def _remove(
    model: nn.Module, removals: Sequence[tuple[ChannelGroup, Tensor]], *, example: Tensor
) -> None:
    remove_channels(model, example, removals)


def replay(model: nn.Module, example: Tensor, history: History) -> None:
    """Cut a freshly built model, in place, to the architecture that `history` led to.

    Heads and MLPs that were cut by themselves are no part of the graph's groups: the order between
    them is free.
    """
    units = [step for step in history if not isinstance(model.get_submodule(step[0]), LAYERS)]
    channels = [list(step) for step in history if step not in units]
    if channels:
        with quiet():
            dependency_graph(model, example).load_pruning_history(channels)
    for name, _, gone in units:
        cut_unit(model.get_submodule(name), gone)
