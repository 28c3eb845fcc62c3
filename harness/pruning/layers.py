"""Prunable layers of a model, and hooks on them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
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
    """Multiply-accumulates of convolutions and matrix products for `example`, zeros included.

    Counted by kernel, attention and transformer layers spelt out: fused ones hide their products.
    """
    counter = FlopCounterMode(display=False, custom_mapping=dict(_UNCOUNTED_KERNELS))
    with _unfused_transformers(), sdpa_kernel(SDPBackend.MATH), counter, torch.no_grad():
        model(example)
    return int(counter.get_total_flops()) // 2


def _recurrence_flops(steps: torch.Size, own: torch.Size, state: torch.Size, *_: Any, **__: Any) -> int:  # noqa: ANN401 -- torch's
    """Flops of a recurrent layer in one direction: both of its weights, at every step."""
    return 2 * steps[:-1].numel() * (own.numel() + state.numel())


def _bilinear_flops(inputs: torch.Size, weight: torch.Size, *_: Any, **__: Any) -> int:  # noqa: ANN401 -- torch's
    return 2 * inputs[:-1].numel() * weight.numel()


def _vector_flops(matrix: torch.Size, *_: Any, **__: Any) -> int:  # noqa: ANN401 -- torch's
    return 2 * matrix.numel()


def _added_flops(_: torch.Size, left: torch.Size, right: torch.Size, *__: Any, **___: Any) -> int:  # noqa: ANN401 -- torch's
    """Flops of products that are added to what is first."""
    return 2 * left.numel() * (right[-1] if len(right) > 1 else 1)


_UNCOUNTED_KERNELS: Mapping[Any, Callable[..., int]] = {
    torch.ops.aten.mkldnn_rnn_layer: _recurrence_flops,
    torch.ops.aten._trilinear: _bilinear_flops,
    torch.ops.aten.mv: _vector_flops,
    torch.ops.aten.dot: _vector_flops,
    torch.ops.aten.vdot: _vector_flops,
    torch.ops.aten.addmv: _added_flops,
    torch.ops.aten.addbmm: _added_flops,
}
"""Flops of kernels that multiply and that the counter has no formula of."""


@contextmanager
def _unfused_transformers() -> Iterator[None]:
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


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
