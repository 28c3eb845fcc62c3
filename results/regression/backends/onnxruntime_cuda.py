"""ONNX Runtime on an NVIDIA GPU, by its CUDA and TensorRT providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from torch import Tensor

CUDA, TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"


class OnnxRuntimeCuda:
    """ONNX Runtime on an NVIDIA GPU by its CUDA provider, 32-bit floats."""

    name = "onnxruntime_cuda"
    torch_device = "cuda"
    channel_multiple = 8
    reads_weights = False

    @property
    def converter(self) -> harness.OnnxConverter:
        """PyTorch's own exporter."""
        return harness.OnnxConverter()

    def unavailable(self) -> str | None:
        """Whether there is no GPU, or no ONNX Runtime for it."""
        return harness.no_gpu() or harness.unmet("onnxruntime-gpu")

    def describe(self) -> Mapping[str, str]:
        """The GPU and ONNX Runtime's version."""
        runtime = f"onnxruntime-gpu {version('onnxruntime-gpu')}"
        return {"device": harness.gpu_name(), "runtime": runtime}

    def _providers(self) -> list[tuple[str, Mapping[str, Any]]]:
        return [(CUDA, {"use_tf32": 0, "cudnn_conv_algo_search": "EXHAUSTIVE"})]

    def load(self, file: bytes) -> harness.Run:
        """A session on the file. Raises HarnessError where it would not run on the GPU."""
        import numpy as np
        import onnxruntime
        import torch

        # What CUDA needs came with PyTorch; ONNX Runtime does not look there by itself.
        onnxruntime.preload_dlls()
        providers = self._providers()
        session = onnxruntime.InferenceSession(file, providers=providers)
        wanted, found = providers[0][0], session.get_providers()
        # It goes on without a word on what is left.
        if wanted not in found:
            raise harness.HarnessError(
                f"ONNX Runtime has no {wanted} here, only {', '.join(found)}: "
                "pip install --force-reinstall onnxruntime-gpu"
            )
        [source], [target] = session.get_inputs(), session.get_outputs()

        def run(images: Tensor) -> Tensor:
            outputs = torch.empty((len(images), *target.shape[1:]), device=self.torch_device)
            binding = session.io_binding()
            for bind, name, tensor in (
                (binding.bind_input, source.name, images.contiguous()),
                (binding.bind_output, target.name, outputs),
            ):
                bind(name, self.torch_device, 0, np.float32, tuple(tensor.shape), tensor.data_ptr())
            session.run_with_iobinding(binding)
            return outputs

        return run


class OnnxRuntimeTensorRt(OnnxRuntimeCuda):
    """ONNX Runtime on an NVIDIA GPU by its TensorRT provider, 16-bit floats where it likes."""

    name = "onnxruntime_tensorrt"
    tolerance = 0.02

    def unavailable(self) -> str | None:
        """Whether there is no GPU, no ONNX Runtime for it or no TensorRT."""
        return harness.no_gpu() or harness.unmet("onnxruntime-gpu", "tensorrt")

    def describe(self) -> Mapping[str, str]:
        """The GPU and both versions."""
        runtime = f"onnxruntime-gpu {version('onnxruntime-gpu')} tensorrt {version('tensorrt')}"
        return {"device": harness.gpu_name(), "runtime": runtime}

    def _providers(self) -> list[tuple[str, Mapping[str, Any]]]:
        return [(TENSORRT, {"trt_fp16_enable": True}), *super()._providers()]

    def load(self, file: bytes) -> harness.Run:
        """A session on the file; TensorRT builds an engine for each shape when it first comes."""
        import tensorrt  # noqa: F401 -- brings the libraries that the provider looks for

        return super().load(file)


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer ONNX Runtime on an NVIDIA GPU."""
    return [OnnxRuntimeCuda(), OnnxRuntimeTensorRt()]
