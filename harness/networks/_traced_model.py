"""Traced model: one dependency graph, by which any copy of the model is cut."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import nn


@dataclass(frozen=True, kw_only=True)
class TracedModel:
    """Traced model: its dependency graph, and the shapes that its parameters had then."""

    graph: Any
    shapes: Mapping[str, tuple[int, ...]]

    def fits(self, model: nn.Module) -> bool:
        """Whether `model` is shaped as the traced one was, and the traced one still is."""
        return self.shapes == shapes_of(model) == shapes_of(self.graph.model)

    def cut(self, model: nn.Module, removals: Iterable[tuple[str, bool, Sequence[int]]]) -> None:
        """Cut outputs or inputs of layers of a model that fits, in place, with all coupled to them.

        Each parameter loses all of its slices at once, so that none are counted anew in between.
        """
        whole = self.graph.model
        names: dict[Any, str] = {module: name for name, module in whole.named_modules()}
        names |= {parameter: name for name, parameter in whole.named_parameters()}
        leaving: dict[tuple[str, Any], tuple[Any, dict[int, None]]] = {}
        for name, outputs, channels in removals:
            layer = whole.get_submodule(name)
            pruner = self.graph.get_pruner_of_module(layer)
            cut = pruner.prune_out_channels if outputs else pruner.prune_in_channels
            for dependency, indices in self.graph.get_pruning_group(layer, cut, list(channels)).items:
                target = names.get(dependency.target.module)
                if target is not None:
                    _, gone = leaving.setdefault((target, dependency.handler), (dependency, {}))
                    gone.update(dict.fromkeys(indices))
        for (target, _), (dependency, gone) in leaving.items():
            _cut_one(dependency, [*gone], model, target)


def shapes_of(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Shapes of a model's parameters by name."""
    return {name: tuple(own.shape) for name, own in model.named_parameters()}


def _cut_one(dependency: Any, indices: list[int], model: nn.Module, name: str) -> None:  # noqa: ANN401 -- likewise
    """Cut what a dependency leads to out of the module or parameter of that name in `model`."""
    there, target = copy.copy(dependency), copy.copy(dependency.target)
    there.target, owner = target, name.rpartition(".")
    if target.type.name != "PARAMETER":
        target.module = model.get_submodule(name)
        there(indices)
        return
    target.module = model.get_parameter(name)
    setattr(model.get_submodule(owner[0]), owner[2], there(indices))
