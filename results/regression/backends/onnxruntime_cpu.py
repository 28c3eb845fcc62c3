"""ONNX Runtime on the CPU, from a graph exported by PyTorch's dynamo exporter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version

import harness

LEVELS: tuple[harness.Optimised, ...] = ("none", "basic", "extended")
SPINNING = "spinning"
VARIANTS = (*LEVELS, SPINNING, *(f"{level}+{SPINNING}" for level in LEVELS))


class OnnxRuntimeCpu:
    """ONNX Runtime on the CPU, 32-bit floats, its graph fully optimised, threads that do not spin.

    As onnxruntime_cpu:basic or another level with less of that; as :spinning with threads that do.
    """

    channel_multiple = 16
    reads_weights = False

    def __init__(self, variant: str = "") -> None:
        self.name = f"onnxruntime_cpu:{variant}" if variant else "onnxruntime_cpu"
        self._variant = variant

    def configured(self, argument: str) -> OnnxRuntimeCpu:
        """The variant of that name. Raises HarnessError where there is none."""
        return OnnxRuntimeCpu(harness.choice_from(argument, VARIANTS, of="onnxruntime_cpu"))

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
        chosen = self._variant.split("+")
        levels = [level for level in LEVELS if level in chosen]
        return harness.load_onnx(
            file, optimised=levels[0] if levels else "all", spinning=SPINNING in chosen
        )


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer ONNX Runtime on the CPU."""
    return [OnnxRuntimeCpu()]
