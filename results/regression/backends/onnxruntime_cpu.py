"""ONNX Runtime on the CPU, from a graph exported by PyTorch's dynamo exporter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version

import harness


class OnnxRuntimeCpu:
    """ONNX Runtime on the CPU, 32-bit floats, all graph optimisations, no spinning threads."""

    name = "onnxruntime_cpu"
    channel_multiple = 16

    def unavailable(self) -> str | None:
        """Which package is missing."""
        return harness.unmet("onnx", "onnxruntime", "onnxscript")

    def describe(self) -> Mapping[str, str]:
        """The processor and ONNX Runtime's version."""
        return {"device": harness.cpu_name(), "runtime": f"onnxruntime {version('onnxruntime')}"}

    def peak_macs(self, threads: int) -> float:
        """The processor's."""
        return harness.cpu_peak_macs(threads)

    @property
    def converter(self) -> harness.OnnxConverter:
        """PyTorch's own exporter."""
        return harness.OnnxConverter()

    def load(self, file: bytes) -> harness.Run:
        """Start a session on the file."""
        return harness.load_onnx(file)


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer ONNX Runtime on the CPU."""
    return [OnnxRuntimeCpu()]
