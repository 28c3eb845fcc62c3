"""PyTorch as it runs a model line by line."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

BF16 = "bf16"
VARIANTS = ("channels_last", BF16, f"channels_last+{BF16}")
TOLERANCE = 0.1
"""Of 16-bit bfloats."""


class EagerCpu:
    """PyTorch eager on the CPU, 32-bit floats; as eager_cpu:bf16 or :channels_last too."""

    channel_multiple = 16
    reads_weights = False

    def __init__(self, variant: str = "") -> None:
        self.name = f"eager_cpu:{variant}" if variant else "eager_cpu"
        self._variant = variant
        if BF16 in variant:
            # Having one is what makes a backend approximate, so variants in 32 bits have none.
            self.tolerance = TOLERANCE

    def configured(self, argument: str) -> EagerCpu:
        """The variant of that name. Raises HarnessError where there is none."""
        return EagerCpu(harness.choice_from(argument, VARIANTS, of="eager_cpu"))

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
        """The model itself, without gradients; inputs are converted as a program would have to."""
        import torch

        model = model.eval()
        if not self._variant:
            return torch.inference_mode()(model)
        floats = torch.bfloat16 if BF16 in self._variant else torch.float32
        layout = torch.channels_last if "channels_last" in self._variant else torch.contiguous_format
        # A copy, since outputs are compared with those of the model as it is.
        model = copy.deepcopy(model).to(dtype=floats).to(memory_format=layout)

        def run(images: Tensor) -> Tensor:
            outputs: Tensor = model(images.to(dtype=floats, memory_format=layout))
            return outputs.float()

        return torch.inference_mode()(run)


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer PyTorch eager on the CPU."""
    return [EagerCpu()]
