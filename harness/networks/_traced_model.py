"""Traced model: a dependency graph that is traced once and cuts every copy of its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.networks._torch_pruning_graph import cut_together, dependency_graph, ignore_warnings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class TracedModel:
    """Traced model: its dependency graph, and the shapes that its parameters had then."""

    graph: Any
    shapes: Mapping[str, tuple[int, ...]]

    def fits(self, model: nn.Module) -> bool:
        """Whether `model` is shaped as the traced one was, and the traced one still is."""
        return self.shapes == _shapes(model) == _shapes(self.graph.model)

    def cut(self, model: nn.Module, removals: Iterable[tuple[str, bool, Sequence[int]]]) -> None:
        """Cut outputs or inputs of layers of a model that fits, in place, with all coupled to them."""
        with ignore_warnings():
            cut_together(self.graph, model, removals)


def traced_model(model: nn.Module, example: Tensor) -> TracedModel:
    """Trace a model. Raises HarnessError where Torch-Pruning cannot."""
    return TracedModel(graph=dependency_graph(model, example), shapes=_shapes(model))


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(own.shape) for name, own in model.named_parameters()}
