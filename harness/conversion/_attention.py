"""Attention in the shape that exporters know."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn


@contextmanager
def four_dimensional_attention() -> Iterator[None]:
    """Attention over windows, of more than four dimensions, as one over more images.

    It computes the same, and is what PyTorch's ONNX exporter has a translation of.
    """
    import torch.nn.functional as F
    from torch.overrides import TorchFunctionMode

    attention = F.scaled_dot_product_attention

    class Flattened(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Any,  # noqa: ANN401 -- torch's
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401 -- torch's
            options, tensors = kwargs or {}, args[:3]
            if func is not attention or len(tensors) < 3 or tensors[0].dim() <= 4 or args[3:]:
                return func(*args, **options)
            leading = tensors[0].shape[:-3]
            if options.get("attn_mask") is not None or any(t.shape[:-3] != leading for t in tensors):
                return func(*args, **options)
            flat = (tensor.flatten(0, -4) for tensor in tensors)
            return func(*flat, **options).unflatten(0, leading)

    with Flattened():
        yield


@contextmanager
def frozen_weights(model: nn.Module) -> Iterator[None]:
    """No weight asks for a gradient meanwhile.

    Which kernel attention takes depends on whether its mask does, and so do the strides of its outputs:
    a graph exported with them asking for gradients may fail to run where its weights do not.
    """
    trained = [own for own in model.parameters() if own.requires_grad]
    for parameter in trained:
        parameter.requires_grad = False
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad = True
