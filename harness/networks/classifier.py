"""Classifier: the layers that the logits come out of, found by what reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from harness.networks.layers import LAYERS, forward_hooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

UNMOVED = 1e-5
"""Largest change of a logit, over the largest logit, that is none."""


def classifier_layers(model: nn.Module, example: Tensor) -> list[nn.Module]:
    """Classifier layers, whose outputs are the classes and never leave: each moves its logit alone.

    Where none does, as before a softmax, the layer that runs last.
    """
    layers = {name: own for name, own in model.named_modules() if isinstance(own, LAYERS)}
    training = model.training
    try:
        return [layers[name] for name in _classifier_names(model.eval(), example, layers)]
    finally:
        model.train(training)


def _classifier_names(model: nn.Module, example: Tensor, layers: Mapping[str, nn.Module]) -> list[str]:
    widths: dict[str, int] = {}

    def note(name: str, layer: nn.Module, _: Tensor, output: Tensor) -> None:
        widths.pop(name, None)
        widths[name] = output.shape[_channel_axis(layer)]

    image = example[:1]
    with torch.no_grad(), forward_hooks(layers, note):
        logits = model(image)
    classes = logits.shape[-1]
    heads = [
        name
        for name, width in widths.items()
        if width == classes
        and all(_moves_alone(model, image, logits, name, at) for at in (0, classes - 1))
    ]
    return heads or [*widths][-1:]


def _moves_alone(model: nn.Module, image: Tensor, logits: Tensor, name: str, at: int) -> bool:
    """Whether a change of that output of the layer moves that logit, and no other."""

    def move(_: str, layer: nn.Module, __: Tensor, output: Tensor) -> Tensor:
        moved = output.clone()
        moved.select(_channel_axis(layer), at).add_(1.0 + output.abs().max())
        return moved

    with torch.no_grad(), forward_hooks({name: model.get_submodule(name)}, move):
        difference = (model(image) - logits).abs() > UNMOVED * logits.abs().max()
    moved = difference.any(0)
    return bool(moved[at]) and int(moved.sum()) == 1


def _channel_axis(layer: nn.Module) -> int:
    return -1 if isinstance(layer, nn.Linear) else 1
