"""Adapter over Torch-Pruning, the only module that imports it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

from torch import nn

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def dependency_graph(model: nn.Module, example: Tensor) -> Any:  # noqa: ANN401 -- Torch-Pruning has no annotations
    """Dependency graph: which layers lose which slices together (Fang 2023).

    Raises HarnessError where Torch-Pruning cannot trace the model.
    """
    import torch_pruning

    training = model.training
    model.eval()
    try:
        with ignore_warnings():
            return torch_pruning.DependencyGraph().build_dependency(model, example)
    except Exception as error:
        raise HarnessError(f"Torch-Pruning cannot trace this model: {error}") from error
    finally:
        model.train(training)


def ignore_warnings() -> warnings.catch_warnings[None]:
    """Ignore warnings: Torch-Pruning warns of what it handles."""
    return warnings.catch_warnings(action="ignore")


def cut_layer(layer: nn.Module, gone: Sequence[int], *, dim: Literal[0, 1]) -> None:
    """Cut outputs (`dim` 0) or inputs (1) out of a linear layer or a convolution, in place."""
    from torch_pruning import function

    kind = "linear" if isinstance(layer, nn.Linear) else "conv"
    cut = getattr(function, f"prune_{kind}_{('out', 'in')[dim]}_channels")
    cut(layer, list(gone))
