"""OpenVINO on the CPU, in the precision that it prefers there and in 32-bit floats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from torch import Tensor


class OpenVinoF32:
    """OpenVINO on the CPU, 32-bit floats whatever the processor could do."""

    name = "openvino_f32_cpu"
    channel_multiple = 16
    reads_weights = False
    precision = "f32"

    @property
    def converter(self) -> harness.OnnxConverter:
        """OpenVINO reads ONNX."""
        return harness.OnnxConverter()

    def unavailable(self) -> str | None:
        """Whether OpenVINO is missing."""
        return harness.unmet("openvino")

    def describe(self) -> Mapping[str, str]:
        """The processor and OpenVINO's version."""
        return {"device": harness.cpu_name(), "runtime": f"openvino {version('openvino')}"}

    def peak_macs(self, threads: int) -> float:
        """The processor's."""
        return harness.cpu_peak_macs(threads)

    def load(self, file: bytes) -> harness.Run:
        """Compile for each shape of input when it first comes: fixed shapes run faster."""
        import openvino
        import torch

        core = openvino.Core()
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
            # Where a timing process may run is the harness's to say.
            "ENABLE_CPU_PINNING": False,
        }
        if self.precision:
            settings["INFERENCE_PRECISION_HINT"] = self.precision
        requests: dict[torch.Size, Any] = {}

        def run(images: Tensor) -> Tensor:
            if images.shape not in requests:
                network = core.read_model(file, b"")
                network.reshape(list(images.shape))
                requests[images.shape] = core.compile_model(
                    network, "CPU", settings
                ).create_infer_request()
            request = requests[images.shape]
            request.infer([images.numpy()])
            return torch.from_numpy(request.get_output_tensor().data.copy())

        return run


class OpenVino(OpenVinoF32):
    """OpenVINO on the CPU in its own choice of precision: 16-bit bfloat where the processor has it."""

    name = "openvino_cpu"
    precision = ""
    tolerance = 0.2
    """Sixteen bits are off by 0.06 after sixty layers at 224 pixels; broken files by more."""


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer OpenVINO on the CPU."""
    return [OpenVino(), OpenVinoF32()]
