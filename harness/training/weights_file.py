"""Weights from a file, which is never executed: safetensors only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load_file

from harness.errors import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

COUNTERS = "num_batches_tracked"


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill a model from a safetensors file, in place; counters of batches may be missing there.

    Raises HarnessError naming the first weight that does not fit.
    """
    try:
        found = load_file(path)
    except (SafetensorError, OSError) as error:
        raise HarnessError(f"{path} is no safetensors file: {error}") from None
    wanted = model.state_dict()
    for name in [*wanted, *found]:
        if name not in wanted:
            raise HarnessError(f"{path} holds {name!r}, which this model does not have")
        if name not in found:
            if name.endswith(COUNTERS):
                continue
            raise HarnessError(f"{path} lacks {name!r}, which this model has")
        if found[name].shape != wanted[name].shape:
            shapes = tuple(found[name].shape), tuple(wanted[name].shape)
            raise HarnessError(f"{path}: {name!r} is shaped {shapes[0]}, but the model's {shapes[1]}")
        if not bool(found[name].isfinite().all()):
            raise HarnessError(f"{path}: {name!r} holds NaN or infinity")
    model.load_state_dict(found, strict=False)
