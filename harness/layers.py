"""Which layers of a model hold weights that can be pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


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
