"""Whether a backend computes what PyTorch does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.backends import Approximate
from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts.backends import Backend

TOLERANCE = 1e-3
"""Of the largest output: single precision, added up in another order."""


def tolerance(backend: Backend) -> float:
    """How far the backend's outputs may be from PyTorch's, over the largest of them."""
    return backend.tolerance if isinstance(backend, Approximate) else TOLERANCE


def deviation(found: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest output, wherever `found` lies.

    Raises HarnessError where shapes differ.
    """
    if found.shape != expected.shape:
        raise HarnessError(f"outputs are {tuple(found.shape)}, PyTorch's {tuple(expected.shape)}")
    return float((found.cpu() - expected).abs().max()) / max(float(expected.abs().max()), 1e-12)


def check_deviation(off: float, backend: Backend) -> None:
    """Raises HarnessError where outputs are further off than the backend's arithmetic explains."""
    # Written so that what is no number fails too.
    if not off <= tolerance(backend):
        raise HarnessError(f"outputs differ from PyTorch's by {off:.2g} of the largest")
