"""Adapter over Torch-Pruning, the only module that imports it."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from torch import nn

from harness.errors import HarnessError
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


def _empty_graph() -> Any:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Graph whose layer norms keep their weights in order.

    Torch-Pruning 1.6.1 sorts a copy of what stays, and a set of few large numbers comes in another
    order: every channel would be scaled and shifted as another one.
    """
    from torch_pruning import DependencyGraph, function, ops

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

    graph, pruner = DependencyGraph(), OrderedLayerNormPruner()
    graph.REGISTERED_PRUNERS[ops.OPTYPE.LN] = pruner
    graph._in_channel_pruning_fn.add(pruner.prune_in_channels)
    graph._out_channel_pruning_fn.add(pruner.prune_out_channels)
    return graph


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
