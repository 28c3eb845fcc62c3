"""Which layers of a model hold weights that can be pruned."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    See = Callable[[str, nn.Module, Tensor, Tensor], Tensor | None]

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


def count_macs(model: nn.Module, example: Tensor) -> int:
    """Multiply-accumulates of convolutions and matrix products for `example`, zeros included."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(example)
    return int(counter.get_total_flops()) // 2


def layers_of(model: nn.Module) -> dict[str, nn.Module]:
    """Convolutions and linear layers by the name of their weight."""
    return {
        f"{name}.weight": module for name, module in model.named_modules() if isinstance(module, LAYERS)
    }


def channels_second(layer: nn.Module, output: Tensor) -> Tensor:
    """`(images, out, ...)` of what a layer gave, wherever its channels are; at least one position."""
    seen = output.movedim(-1, 1) if isinstance(layer, nn.Linear) else output
    return seen if seen.dim() > 2 else seen[..., None]


@contextmanager
def watching(modules: Mapping[str, nn.Module], see: See) -> Iterator[None]:
    """Call `see(name, module, input, output)` whenever one runs; what it returns goes on instead."""

    def hook(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], Tensor | None]:
        def seen(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Tensor | None:  # noqa: ANN401 -- torch's
            tensors = bool(inputs) and isinstance(inputs[0], torch.Tensor)
            return see(name, module, inputs[0], output) if tensors and _is_tensor(output) else None

        return seen

    with ExitStack() as stack:
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(hook(name)).remove)
        yield


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)
