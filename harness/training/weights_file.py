"""Weights file, which is never executed: safetensors only."""

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
    """Load weights from a safetensors file, in place; counters of batches may be missing there.

    Raises HarnessError naming the first weight that does not fit.
    """
    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise HarnessError(f"{path} is no safetensors file: {error}") from None
    expected = model.state_dict()
    for name in [*expected, *stored]:
        if name not in expected:
            raise HarnessError(f"{path} holds {name!r}, which this model does not have")
        if name not in stored:
            if name.endswith(COUNTERS):
                continue
            raise HarnessError(f"{path} lacks {name!r}, which this model has")
        if stored[name].shape != expected[name].shape:
            shapes = tuple(stored[name].shape), tuple(expected[name].shape)
            raise HarnessError(f"{path}: {name!r} is shaped {shapes[0]}, but the model's {shapes[1]}")
        if not bool(stored[name].isfinite().all()):
            raise HarnessError(f"{path}: {name!r} holds NaN or infinity")
    model.load_state_dict(stored, strict=False)
