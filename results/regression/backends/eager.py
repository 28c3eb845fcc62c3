"""PyTorch as it runs a model line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn


class EagerCpu:
    """PyTorch eager on the CPU, 32-bit floats."""

    name = "eager_cpu"

    def unavailable(self) -> str | None:
        """Never: the harness needs PyTorch itself."""
        return None

    def describe(self) -> Mapping[str, str]:
        """The processor and PyTorch's version."""
        return {"device": harness.cpu_name(), "runtime": f"torch {version('torch')}"}

    def peak_macs(self, threads: int) -> float:
        """The processor's."""
        return harness.cpu_peak_macs(threads)

    def prepare(self, model: nn.Module, example: Tensor) -> harness.Run:  # noqa: ARG002 -- eager needs no example
        """The model itself, without gradients."""
        import torch

        return torch.inference_mode()(model.eval())


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer PyTorch eager on the CPU."""
    return [EagerCpu()]
