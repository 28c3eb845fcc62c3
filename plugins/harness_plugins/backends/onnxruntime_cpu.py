"""ONNX Runtime on the CPU, from a graph exported by PyTorch's dynamo exporter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor

PACKAGES = ("onnx", "onnxruntime", "onnxscript")


class OnnxRuntimeCpu:
    """ONNX Runtime on the CPU, 32-bit floats, all graph optimisations, no spinning threads."""

    name = "onnxruntime_cpu"

    def unavailable(self) -> str | None:
        """Which package is missing."""
        for package in PACKAGES:
            try:
                version(package)
            except PackageNotFoundError:
                return f"{package} is not installed: pip install {' '.join(PACKAGES)}"
        return None

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
        import onnxruntime
        import torch

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Idle sessions that spin slow down whichever model's turn it is.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        source = session.get_inputs()[0].name

        def run(images: Tensor) -> Tensor:
            return torch.from_numpy(session.run(None, {source: images.numpy()})[0])

        return run


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer ONNX Runtime on the CPU."""
    return [OnnxRuntimeCpu()]
