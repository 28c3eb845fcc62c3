"""Prunable layers of a model, and hooks on them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Hook = Callable[[str, nn.Module, Tensor, Tensor], Tensor | None]

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


def prunable_weights(model: nn.Module) -> dict[str, Tensor]:
    """Prunable weights: those of convolutions and linear layers, which a sparsity counts."""
    return {
        f"{name}.weight": module.weight
        for name, module in model.named_modules()
        if isinstance(module, LAYERS)
    }


def classifier_layers(model: nn.Module) -> Sequence[nn.Module]:
    """Classifier layers, whose outputs are the classes and are never removed.

    timm's `get_classifier` where the model has one, else the last layer.
    """
    getter = getattr(model, "get_classifier", None)
    classifier = getter() if callable(getter) else None
    heads = classifier if isinstance(classifier, tuple | list) else [classifier]
    layers = [
        layer
        for head in heads
        if isinstance(head, nn.Module)
        for layer in head.modules()
        if isinstance(layer, LAYERS)
    ]
    return layers or [module for module in model.modules() if isinstance(module, LAYERS)][-1:]


def count_macs(model: nn.Module, example: Tensor) -> int:
    """Multiply-accumulates of convolutions and matrix products for `example`, zeros included."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(example)
    return int(counter.get_total_flops()) // 2


def layers_of(model: nn.Module) -> dict[str, nn.Module]:
    """Prunable layers, convolutions and linear ones, by the name of their weight."""
    return {
        f"{name}.weight": module for name, module in model.named_modules() if isinstance(module, LAYERS)
    }


def channels_second(layer: nn.Module, output: Tensor) -> Tensor:
    """Output as `(images, out, ...)`, wherever its channels are; at least one position."""
    moved = output.movedim(-1, 1) if isinstance(layer, nn.Linear) else output
    return moved if moved.dim() > 2 else moved[..., None]


@contextmanager
def forward_hooks(modules: Mapping[str, nn.Module], hook: Hook) -> Iterator[None]:
    """Forward hooks: `hook(name, module, input, output)` at every run; a result replaces the output."""

    def named(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], Tensor | None]:
        def call(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Tensor | None:  # noqa: ANN401 -- torch's
            tensors = bool(inputs) and isinstance(inputs[0], torch.Tensor)
            return hook(name, module, inputs[0], output) if tensors and _is_tensor(output) else None

        return call

    with ExitStack() as stack:
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(named(name)).remove)
        yield


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)
