"""Building without random fills: what is overwritten at once needs no random values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RANDOM_FILLS: Mapping[Callable[..., Any], str | None] = {
    Tensor.normal_: "mean",
    init.normal_: "mean",
    Tensor.uniform_: "from",
    init.uniform_: "a",
    init.kaiming_normal_: None,
    init.kaiming_uniform_: None,
}
"""What fills with random values, and its argument that is one of these; zero without it."""


class NoRandomFill(TorchFunctionMode):
    """Mode without random fills, half of the time of building: each is with one value.

    A value that could have been drawn: truncated normals are drawn again until all are within bounds,
    and memory as it is may never be.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 -- as torch's
        """Result of `func`, or the tensor filled with one value where it is a random fill."""
        named = kwargs or {}
        if func not in RANDOM_FILLS:
            return func(*args, **named)
        tensor, *bounds = args or (named["tensor"],)
        argument = RANDOM_FILLS[func]
        value = named.get(argument, bounds[0] if bounds else 0.0) if argument else 0.0
        with torch.no_grad():
            tensor.fill_(value)
        return tensor
