"""PyTorch on an NVIDIA GPU, as it runs a model line by line and compiled by inductor."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

LAYOUT = "channels_last"
TOLERANCES = {"tf32": 0.02, "bf16": 0.1, "fp16": 0.02}
VARIANTS = (LAYOUT, *TOLERANCES, *(f"{LAYOUT}+{precision}" for precision in TOLERANCES))
RECORDED = 3
"""Runs until a CUDA graph is recorded: one to warm up, one to record, one to replay."""


class EagerCuda:
    """PyTorch eager on an NVIDIA GPU, 32-bit floats; as :tf32, :bf16, :fp16, :channels_last too."""

    plain_name = "eager_cuda"
    torch_device = "cuda"
    channel_multiple = 8
    reads_weights = False

    def __init__(self, variant: str = "") -> None:
        self.name = f"{self.plain_name}:{variant}" if variant else self.plain_name
        self._parts = variant.split("+")
        precision = self._parts[-1]
        if precision in TOLERANCES:
            # Having one is what makes a backend approximate, so variants in 32 bits have none.
            self.tolerance = TOLERANCES[precision]

    def configured(self, argument: str) -> Self:
        """The variant of that name. Raises HarnessError where there is none."""
        return type(self)(harness.choice_from(argument, VARIANTS, of=self.plain_name))

    def unavailable(self) -> str | None:
        """Whether there is no GPU."""
        return harness.no_gpu()

    def describe(self) -> Mapping[str, str]:
        """The GPU and PyTorch's version."""
        return {"device": harness.gpu_name(), "runtime": f"torch {version('torch')}"}

    def prepare(self, model: nn.Module, example: Tensor) -> harness.Run:  # noqa: ARG002 -- eager needs no example
        """A copy on the GPU; inputs are converted as a program would have to."""
        import torch

        return torch.inference_mode()(self._on_gpu(model))

    def _on_gpu(self, model: nn.Module) -> nn.Module:
        """From 32-bit floats to 32-bit floats, whatever is between."""
        import torch
        from torch import nn

        # The old names: PyTorch's exporter asks for these, and raises where the new ones were set.
        torch.backends.cuda.matmul.allow_tf32 = "tf32" in self._parts
        torch.backends.cudnn.allow_tf32 = "tf32" in self._parts
        floats = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self._parts[-1], torch.float32)
        layout = torch.channels_last if LAYOUT in self._parts else torch.contiguous_format
        inner = copy.deepcopy(model.eval()).to(self.torch_device, floats)
        inner = inner.to(memory_format=layout)

        class Converting(nn.Module):
            """The model between its own floats and 32-bit ones."""

            def __init__(self) -> None:
                super().__init__()
                self.inner = inner

            def forward(self, images: Tensor) -> Tensor:
                outputs: Tensor = self.inner(images.to(dtype=floats, memory_format=layout))
                return outputs.float()

        return Converting().eval()


class CompiledCuda(EagerCuda):
    """torch.compile on an NVIDIA GPU with CUDA graphs, 32-bit floats; variants as eager_cuda."""

    plain_name = "compiled_cuda"

    def describe(self) -> Mapping[str, str]:
        """The GPU and PyTorch's version."""
        return {"device": harness.gpu_name(), "runtime": f"torch {version('torch')} inductor"}

    def prepare(self, model: nn.Module, example: Tensor) -> harness.Run:
        """Compile and record now, so that no inference has to wait for it."""
        import torch

        given = example.to(self.torch_device)
        with torch.no_grad():
            # Exported first: models of a session would look through each other's guards at every call.
            program = torch.export.export(self._on_gpu(model), (given,)).module()
            compiled = torch.compile(program, fullgraph=True, dynamic=False, mode="reduce-overhead")

        @torch.no_grad()
        def run(images: Tensor) -> Tensor:
            # The graph's own output is written over by its next run.
            outputs: Tensor = compiled(images).clone()
            return outputs

        for _ in range(RECORDED):
            run(given)
        return run


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer PyTorch on an NVIDIA GPU."""
    return [EagerCuda(), CompiledCuda()]
