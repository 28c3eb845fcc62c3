"""Following norms: which norm stands directly behind a layer, in the dependency graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.networks.layers import LAYERS, NORMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


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
