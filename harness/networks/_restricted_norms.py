"""Restricted norms: norms over features whose statistics are those of the channels that stay."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

SAME = 1e-4
"""Largest difference of a norm from its formula, in the unit of what it returns, about one."""


@contextmanager
def restricted_norms(keep: Mapping[nn.Module, Tensor]) -> Iterator[None]:
    """Have norms over features normalise by the channels that `keep` marks, `(channels,)` each.

    One whose formula is not known normalises by all.
    """
    handles = [
        norm.register_forward_hook(partial(_restrict, keep=marks)) for norm, marks in keep.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _restrict(
    norm: nn.Module, inputs: tuple[Tensor, ...], output: Tensor, *, keep: Tensor
) -> Tensor | None:
    images, everything = inputs[0], torch.ones_like(keep)
    if is_response_norm(norm):
        return _response_normalised(norm, images, keep)
    for axis in {1, images.dim() - 1}:
        if images.shape[axis] != len(keep):
            continue
        for activate in _activations(norm):
            whole = activate(_normalised(norm, images, axis, everything))
            if torch.allclose(whole, output, rtol=SAME, atol=SAME):
                return activate(_normalised(norm, images, axis, keep))
    return None


def is_response_norm(module: Any) -> bool:  # noqa: ANN401 -- whatever it is
    """Whether it is timm's global response norm (Woo 2023)."""
    return hasattr(module, "spatial_dim") and hasattr(module, "wb_shape")


def _response_normalised(norm: Any, images: Tensor, keep: Tensor) -> Tensor:  # noqa: ANN401 -- timm's
    """Global response norm (Woo 2023, eq. 1 to 3): each channel's norm over that of the marked ones."""
    own, marks = images.norm(dim=norm.spatial_dim, keepdim=True), keep.to(images.dtype)
    mean = (own * marks.view(norm.wb_shape)).sum(norm.channel_dim, keepdim=True) / marks.sum()
    response = images * own / (mean + norm.eps)
    weight, bias = norm.weight.view(norm.wb_shape), norm.bias.view(norm.wb_shape)
    normalised: Tensor = images + weight * response + bias
    return normalised


def _activations(norm: nn.Module) -> Iterator[Callable[[Tensor], Tensor]]:
    """What may follow the formula in the norm: nothing, or an activation, as in timm's."""
    yield nn.Identity()
    yield from norm.children()


def _normalised(norm: nn.Module, images: Tensor, axis: int, keep: Tensor) -> Tensor:
    """Layer norm (Ba 2016) over channels, or group norm (Wu 2018), by the marked channels."""
    features = images.movedim(axis, 1)
    count = norm.num_groups if isinstance(norm, nn.GroupNorm) else 1
    grouped = features.unflatten(1, (count, -1))
    marks = keep.to(images.dtype).view(1, count, -1, *[1] * (features.dim() - 2))
    # Over channels alone, or over the positions of a group's channels too.
    over = [2, *range(3, grouped.dim())] if isinstance(norm, nn.GroupNorm) else [2]
    number = marks.expand_as(grouped).sum(over, keepdim=True)
    centred = grouped - (grouped * marks).sum(over, keepdim=True) / number
    variance = (centred.square() * marks).sum(over, keepdim=True) / number
    normal = (centred / (variance + vars(norm)["eps"]).sqrt()).flatten(1, 2).movedim(1, -1)
    own = dict(norm.named_parameters(recurse=False))
    shifted: Tensor = normal * own["weight"] + own.get("bias", 0.0)
    return shifted.movedim(-1, axis)
