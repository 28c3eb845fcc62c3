"""Prunable layers of a model, and hooks on them."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Hook = Callable[[str, nn.Module, Tensor, Tensor], Tensor | None]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
LAYERS = (*CONVOLUTIONS, nn.Linear)
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


def prunable_weights(model: nn.Module) -> dict[str, Tensor]:
    """Prunable weights: those of convolutions and linear layers, which a sparsity counts.

    None that outputs do not depend on, once `exempt` said so.
    """
    return {name: weight for name, (_, weight) in _layers(model).items()}


def count_macs(model: nn.Module, example: Tensor) -> int:
    """Multiply-accumulates of convolutions and matrix products for `example`, zeros included.

    Counted by kernel, attention and transformer layers spelt out: fused ones hide their products.
    """
    counter = FlopCounterMode(display=False, custom_mapping=dict(_UNCOUNTED_KERNELS))
    with (
        _frozen(model),
        _unfused_transformers(),
        sdpa_kernel(SDPBackend.MATH),
        counter,
        torch.no_grad(),
    ):
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
def _frozen(model: nn.Module) -> Iterator[None]:
    """No parameter requires a gradient: the counter follows those that a module is given as inputs."""
    trained = [own for own in model.parameters() if own.requires_grad]
    model.requires_grad_(False)  # noqa: FBT003 -- torch's
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad = True


@contextmanager
def _unfused_transformers() -> Iterator[None]:
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def layers_of(model: nn.Module) -> dict[str, nn.Module]:
    """Prunable layers, convolutions and linear ones, by the name of their weight.

    Of layers that are tied, which is to share one weight, the first.
    """
    return {name: layer for name, (layer, _) in _layers(model).items()}


def _layers(model: nn.Module) -> dict[str, tuple[nn.Module, Tensor]]:
    """Layers and their weights, all alive at once, since a computed one is another at every access."""
    layers = [
        (f"{name}.weight", module, module.weight)
        for name, module in model.named_modules()
        if isinstance(module, LAYERS) and getattr(module, "is_prunable", True)
    ]
    first = {id(weight): name for name, _, weight in reversed(layers)}
    return {name: (layer, weight) for name, layer, weight in layers if first[id(weight)] == name}


def exempt(model: nn.Module, names: Iterable[str]) -> None:
    """Exempt layers from pruning, by the names of their weights: copies of the model remember it."""
    for name in names:
        model.get_submodule(name.removesuffix(".weight")).is_prunable = False  # type: ignore[assignment]  # torch's modules take any attribute


def exempt_weights(model: nn.Module) -> list[str]:
    """Names of the weights that are exempt."""
    return [
        f"{name}.weight" for name, own in model.named_modules() if not getattr(own, "is_prunable", True)
    ]


def exempt_unreached(model: nn.Module, example: Tensor) -> nn.Module:
    """Exempt the layers that no output depends on, and return the model.

    Those that neither run for the example nor have a gradient: a layer may run without one, and a
    weight be used where its layer does not run.
    """
    ran: set[str] = set()
    with torch.enable_grad(), forward_hooks(layers_of(model), lambda name, *_: ran.add(name)):
        outputs = model(example)
    if not isinstance(outputs, Tensor):
        return model
    total = outputs.sum()
    idle = {
        name: own
        for name, own in prunable_weights(model).items()
        if name not in ran and own.requires_grad
    }
    if idle and total.requires_grad:
        gradients = torch.autograd.grad(total, [*idle.values()], allow_unused=True)
        exempt(model, [n for n, own in zip(idle, gradients, strict=True) if own is None])
    else:
        exempt(model, idle)
    forget_caches(model)
    return model


def forget_caches(model: nn.Module) -> None:
    """Have modules forget what they keep in evaluation, as they do where their mode is set.

    LeViT's attention keeps its biases (Graham 2021), which then belong to one pass's gradients: no copy
    can be made of them, and none can be taken a second time.
    """
    modes = [(module, module.training) for module in model.modules()]
    for module, training in modes:
        # Parents first: what they set of their children is set right by these.
        module.train(training)


def require_gradients(model: nn.Module) -> list[nn.Parameter]:
    """Have all weights require gradients, and return those that did not."""
    frozen = [own for own in model.parameters() if own.is_floating_point() and not own.requires_grad]
    for parameter in frozen:
        parameter.requires_grad = True
    return frozen


def tied_parameters(model: nn.Module) -> set[str]:
    """Tied parameters: the names of all that have more than one."""
    names = [(name, id(own)) for name, own in model.named_parameters(remove_duplicate=False)]
    counts = Counter(own for _, own in names)
    return {name for name, own in names if counts[own] > 1}


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
