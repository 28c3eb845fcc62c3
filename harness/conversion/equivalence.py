"""Numerical equivalence: whether a backend computes what PyTorch does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.backends import Approximate
from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts.backends import Backend

TOLERANCE = 1e-3
"""Largest deviation, over the largest output: single precision, added up in another order."""


def tolerance(backend: Backend) -> float:
    """Tolerance: how far the backend's outputs may be from PyTorch's, over the largest of them."""
    return backend.tolerance if isinstance(backend, Approximate) else TOLERANCE


def deviation(outputs: Tensor, expected: Tensor) -> float:
    """Deviation: largest difference over the largest output, wherever `outputs` lie.

    Raises HarnessError where shapes differ.
    """
    if outputs.shape != expected.shape:
        raise HarnessError(f"outputs are {tuple(outputs.shape)}, PyTorch's {tuple(expected.shape)}")
    return float((outputs.cpu() - expected).abs().max()) / max(float(expected.abs().max()), 1e-12)


def check_deviation(largest: float, backend: Backend) -> None:
    """Raises HarnessError where outputs are further off than the backend's arithmetic explains."""
    # Written so that what is no number fails too.
    if not largest <= tolerance(backend):
        raise HarnessError(f"outputs differ from PyTorch's by {largest:.2g} of the largest")
