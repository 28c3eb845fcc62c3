"""Building without random fills: what is overwritten at once needs no values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RANDOM_FILLS = (
    Tensor.normal_, Tensor.uniform_, init.kaiming_normal_, init.kaiming_uniform_, init.normal_,
    init.uniform_,
)  # fmt: skip


class NoRandomFill(TorchFunctionMode):
    """Mode without random fills, half of the time of building: memory stays as it is."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 -- as torch's
        """Result of `func`, or the tensor untouched where it is a random fill."""
        named = kwargs or {}
        if func in RANDOM_FILLS:
            return args[0] if args else named["tensor"]
        return func(*args, **named)
