"""PyTorch on the CPU, compiled by inductor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

COMPILERS = ("g++", "clang++", "c++")


class CompiledCpu:
    """torch.compile with inductor on the CPU, 32-bit floats, one compilation for each batch size."""

    name = "compiled_cpu"
    channel_multiple = 16
    reads_weights = False

    def unavailable(self) -> str | None:
        """Whether inductor lacks a C++ compiler."""
        if shutil.which(os.environ.get("CXX", "")) or any(map(shutil.which, COMPILERS)):
            return None
        return "inductor needs a C++ compiler: apt install g++"

    def describe(self) -> Mapping[str, str]:
        """The processor and PyTorch's version."""
        return {"device": harness.cpu_name(), "runtime": f"torch {version('torch')} inductor"}

    def peak_macs(self, threads: int) -> float:
        """The processor's."""
        return harness.cpu_peak_macs(threads)

    def prepare(self, model: nn.Module, example: Tensor) -> harness.Run:
        """Compile now, so that no inference has to wait for it."""
        import torch

        # Exported first: compiled as they are, all models of a session would share one function's
        # cache, and look through each other's guards at every call.
        with torch.no_grad():
            program = torch.export.export(model.eval(), (example,)).module()
            run = torch.no_grad()(torch.compile(program, fullgraph=True, dynamic=False))
            run(example)
        return run


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer inductor on the CPU."""
    return [CompiledCpu()]
