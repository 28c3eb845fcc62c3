"""Adapter over Torch-Pruning, the only module that imports it."""

from __future__ import annotations

import warnings
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from torch import nn

from harness.errors import HarnessError
from harness.networks._group_bounds import BoundedMappings, GroupBounds
from harness.networks._step_widths import StepWidths
from harness.networks._traced_model import TracedModel, shapes_of
from harness.networks.layers import require_gradients

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor


def dependency_graph(model: nn.Module, example: Tensor) -> Any:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Dependency graph: which layers lose which slices together (Fang 2023), frozen ones like others.

    Raises HarnessError where Torch-Pruning cannot trace the model.
    """
    training = model.training
    model.eval()
    try:
        with ignore_warnings(), _unfrozen(model):
            return _empty_graph().build_dependency(model, example)
    except Exception as error:
        raise HarnessError(f"Torch-Pruning cannot trace this model: {error}") from error
    finally:
        model.train(training)


def _ordered_layer_norm_pruner() -> Any:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Pruner of layer norms that keeps their weights in order.

    Torch-Pruning 1.6.1 sorts a copy of what stays, and a set of few large numbers comes in another
    order: every channel would be scaled and shifted as another one.
    """
    from torch_pruning import function

    class OrderedLayerNormPruner(function.LayernormPruner):  # type: ignore[misc]  # has no annotations
        def prune_out_channels(self, layer: nn.LayerNorm, gone: Sequence[int]) -> nn.LayerNorm:
            whole, leaving = layer.normalized_shape[-1], set(gone)
            kept = [channel for channel in range(whole) if channel not in leaving]
            for name in dict(layer.named_parameters(recurse=False)):
                cut = self._prune_parameter_and_grad(getattr(layer, name), kept, -1)
                setattr(layer, name, cut)
            layer.normalized_shape = (*layer.normalized_shape[:-1], len(kept))
            return layer

        prune_in_channels = prune_out_channels

    return OrderedLayerNormPruner()


def _indexed_group() -> Any:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Group that looks up what leaves of a node; Torch-Pruning's goes through all of its steps."""
    from torch_pruning.dependency import Group

    class IndexedGroup(Group):  # type: ignore[misc]  # has no annotations
        def __init__(self) -> None:
            super().__init__()
            self._leaving: defaultdict[tuple[Any, Any], list[Any]] = defaultdict(list)

        def add_dep(self, dep: Any, idxs: Any) -> None:  # noqa: ANN401 -- likewise
            super().add_dep(dep, idxs)
            self._leaving[dep.target, dep.handler].append(idxs)

        def has_pruning_op(self, dep: Any, idxs: Any) -> bool:  # noqa: ANN401 -- likewise
            return idxs in self._leaving.get((dep.target, dep.handler), ())

    return IndexedGroup


def _empty_graph() -> Any:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Graph that infers widths once, and whose layer norms keep their weights in order.

    How many channels a step has Torch-Pruning 1.6.1 asks of all that lead to it, anew for each step and
    each group: minutes, and no answer where there are many ways. Our own answers are kept.
    """
    from torch_pruning import DependencyGraph, ops
    from torch_pruning.dependency import Node, graph, shape_infer

    group = _indexed_group()

    class WidthGraph(DependencyGraph):  # type: ignore[misc]  # has no annotations
        module2node: dict[Any, Any]

        def __init__(self) -> None:
            super().__init__()
            self.REGISTERED_PRUNERS[ops.OPTYPE.LN] = pruner = _ordered_layer_norm_pruner()
            self._in_channel_pruning_fn.add(pruner.prune_in_channels)
            self._out_channel_pruning_fn.add(pruner.prune_out_channels)
            self._widths = StepWidths(super().get_out_channels, super().get_in_channels)

        def get_out_channels(self, end: Any) -> int | None:  # noqa: ANN401 -- a module or a node
            return self._widths.out(end) if isinstance(end, Node) else super().get_out_channels(end)

        def get_in_channels(self, end: Any) -> int | None:  # noqa: ANN401 -- likewise
            return self._widths.into(end) if isinstance(end, Node) else super().get_in_channels(end)

        def _build_dependency(self, module2node: Any) -> None:  # noqa: ANN401 -- likewise
            super()._build_dependency(module2node)
            shape_infer.init_shape_information(self)
            for node in module2node.values():
                if node.type == ops.OPTYPE.CONCAT:
                    node.module.concat_sizes = _concatenated_widths(self, node)

        def build_dependency(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- likewise
            super().build_dependency(*arguments, **options)
            self._bounds = _bound_mappings(self)
            _forget_gradients(self)
            return self

        def get_pruning_group(self, *arguments: Any) -> Any:  # noqa: ANN401 -- likewise
            self._bounds.begin()
            listed, self.module2node = self.module2node, UnlistedNodes(self.module2node)
            listing, graph.Group = graph.Group, group
            try:
                return super().get_pruning_group(*arguments)
            finally:
                self.module2node, graph.Group = listed, listing

    return WidthGraph()


def _bound_mappings(graph: Any) -> GroupBounds:  # noqa: ANN401 -- likewise
    """Have the mappings of all dependencies keep within bounds, and return these."""
    followed = [own for node in graph.module2node.values() for own in node.dependencies]
    widest = max((max(own.shape, default=1) for own in graph.model.parameters()), default=1)
    bounds = GroupBounds(widest=widest, dependencies=len(followed))
    for dependency in followed:
        dependency.index_mapping = BoundedMappings(dependency.index_mapping, bounds)
    return bounds


def _concatenated_widths(graph: Any, node: Any) -> list[int]:  # noqa: ANN401 -- likewise
    """Widths of what a step concatenates; unknown ones are 0, where Torch-Pruning would add None.

    They fit no sum then, and nothing is mapped.
    """
    from torch_pruning.dependency import shape_infer

    return [shape_infer.infer_channels_between(graph, own, node) or 0 for own in node.inputs]


def _forget_gradients(graph: Any) -> None:  # noqa: ANN401 -- likewise
    """Forget gradients, which are followed by now and hold what the layers computed."""
    for node in graph.module2node.values():
        node.grad_fn = None
        if "grad_fn" in vars(node.module):
            node.module.grad_fn = None


def traced_model(model: nn.Module, example: Tensor) -> TracedModel:
    """Trace a model. Raises HarnessError where Torch-Pruning cannot."""
    return TracedModel(graph=dependency_graph(model, example), shapes=shapes_of(model))


class UnlistedNodes(dict[Any, Any]):
    """Nodes that can be looked up and are not listed.

    Torch-Pruning maps the indices of all anew before each group; here nothing has been pruned since.
    """

    def items(self) -> Any:  # noqa: ANN401 -- no node
        """None of them."""
        return ()


@contextmanager
def _unfrozen(model: nn.Module) -> Iterator[None]:
    """With a gradient for every weight, since the graph is that of gradients."""
    frozen = require_gradients(model)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad = False


def ignore_warnings() -> warnings.catch_warnings[None]:
    """Ignore warnings: Torch-Pruning warns of what it handles."""
    return warnings.catch_warnings(action="ignore")


def cut_layer(layer: nn.Module, gone: Sequence[int], *, dim: Literal[0, 1]) -> None:
    """Cut outputs (`dim` 0) or inputs (1) out of a linear layer or a convolution, in place."""
    from torch_pruning import function

    kind = "linear" if isinstance(layer, nn.Linear) else "conv"
    cut = getattr(function, f"prune_{kind}_{('out', 'in')[dim]}_channels")
    cut(layer, list(gone))
