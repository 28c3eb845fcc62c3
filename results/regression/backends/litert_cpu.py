"""LiteRT with XNNPACK on the CPU, in floats and in 8-bit integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version

import harness


class LiteRt:
    """LiteRT (TensorFlow Lite) with XNNPACK on the CPU, 32-bit floats."""

    name = "litert_cpu"
    channel_multiple = 8
    reads_weights = False

    @property
    def converter(self) -> harness.AnyConverter:
        """From PyTorch by litert-torch."""
        return harness.TfliteConverter()

    def unavailable(self) -> str | None:
        """Which library is missing or in conflict."""
        return harness.unmet("litert-torch", "ai-edge-litert")

    def describe(self) -> Mapping[str, str]:
        """The processor and LiteRT's version."""
        runtime = f"ai-edge-litert {version('ai-edge-litert')}"
        return {"device": harness.cpu_name(), "runtime": runtime}

    def peak_macs(self, threads: int) -> float:
        """The processor's."""
        return harness.cpu_peak_macs(threads)

    def load(self, file: bytes) -> harness.Run:
        """An interpreter of the file."""
        return harness.load_tflite(file)


class LiteRtInt8(LiteRt):
    """LiteRT with XNNPACK on the CPU, 8-bit weights and activations calibrated on training images."""

    name = "litert_int8_cpu"
    tolerance = 2.0
    """Finds broken files only: how good 8 bits are is what the accuracy through the backend says."""

    @property
    def converter(self) -> harness.AnyConverter:
        """The float file, quantised."""
        return harness.QuantisedTfliteConverter()

    def unavailable(self) -> str | None:
        """Which library is missing or in conflict."""
        return harness.unmet("litert-torch", "ai-edge-litert", "ai-edge-quantizer")


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer LiteRT on the CPU."""
    return [LiteRt(), LiteRtInt8()]
