"""LiteRT (formerly TensorFlow Lite) files by litert-torch, in floats and in 8-bit integers.

Images lie channels last in the file, as its runtimes want them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.contracts.converters import FileTensor
from harness.machine.environment import installed_version

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from harness.contracts.backends import Run

SIGNATURE, ARGUMENT = "serving_default", "args_0"


@dataclass(frozen=True)
class TfliteConverter:
    """LiteRT converter: 32-bit floats, for one batch size."""

    name: str = "tflite"
    suffix: str = ".tflite"

    @property
    def version(self) -> str:
        """Versions of PyTorch and the converter."""
        return f"torch {installed_version('torch')}, litert-torch {installed_version('litert-torch')}"

    def convert(self, model: nn.Module, images: Tensor, *, batch: int) -> bytes:
        """LiteRT file; norms are folded into what they follow."""
        import litert_torch

        channels_last = litert_torch.to_channel_last_io(model, args=[0]).eval()
        example = _channels_last(images[:1].expand(batch, *images.shape[1:]))
        return bytes(litert_torch.convert(channels_last, (example,)).model_content())

    def tensors(self, file: bytes) -> tuple[list[FileTensor], list[FileTensor]]:
        """Inputs and outputs, as LiteRT's interpreter reads them."""
        return _file_tensors(file)


@dataclass(frozen=True)
class QuantisedTfliteConverter:
    """LiteRT converter: 8-bit weights and activations (Jacob 2018), ranges from training images."""

    name: str = "tflite_int8"
    suffix: str = ".tflite"
    source: TfliteConverter = TfliteConverter()

    @property
    def version(self) -> str:
        """Version of the quantiser."""
        return f"ai-edge-quantizer {installed_version('ai-edge-quantizer')}"

    def refine(self, file: bytes, images: Tensor, *, batch: int) -> bytes:
        """LiteRT file: the float one with integer inputs, weights, activations and outputs."""
        from ai_edge_quantizer import quantizer, recipe

        quantised = quantizer.Quantizer(file)
        quantised.load_quantization_recipe(recipe.static_wi8_ai8())
        calibration = [
            {ARGUMENT: _channels_last(chunk).numpy()}
            for chunk in images.split(batch)
            if len(chunk) == batch
        ]
        with warnings.catch_warnings():
            # To see all tensors is what its interpreter warns of, and what ranges are made from.
            warnings.filterwarnings("ignore", ".*preserve_all_tensors", UserWarning)
            ranges = quantised.calibrate({SIGNATURE: calibration})
            return bytes(quantised.quantize(ranges).quantized_model)

    def tensors(self, file: bytes) -> tuple[list[FileTensor], list[FileTensor]]:
        """Inputs and outputs, as LiteRT's interpreter reads them."""
        return _file_tensors(file)


def _file_tensors(file: bytes) -> tuple[list[FileTensor], list[FileTensor]]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # XNNPACK refuses some scales; nothing is computed here.
    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=file, experimental_op_resolver_type=kernels)
    inputs, outputs = (
        [_file_tensor(details) for details in many]
        for many in (interpreter.get_input_details(), interpreter.get_output_details())
    )
    return inputs, outputs


def _file_tensor(details: dict[str, Any]) -> FileTensor:
    scale, zero_point = details["quantization"]
    return FileTensor(
        name=details["name"],
        shape=tuple(map(int, details["shape"])),
        type=details["dtype"].__name__,
        scale=float(scale) if scale else None,
        zero_point=int(zero_point) if scale else None,
    )


def load_tflite(file: bytes, *, xnnpack: bool = True) -> Run:
    """Run a LiteRT file, on as many threads as PyTorch is set to; its own kernels refuse nothing."""
    import torch
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.AUTO if xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=file,
        num_threads=torch.get_num_threads(),
        experimental_op_resolver_type=kernels,
    )
    interpreter.allocate_tensors()
    [source], [output] = interpreter.get_input_details(), interpreter.get_output_details()

    def run(images: Tensor) -> Tensor:
        interpreter.set_tensor(source["index"], _quantised(_channels_last(images).numpy(), source))
        interpreter.invoke()
        return torch.from_numpy(_restored(interpreter.get_tensor(output["index"]), output))

    return run


def _channels_last(images: Tensor) -> Tensor:
    return images.permute(0, 2, 3, 1).contiguous()


def _quantised(values: np.ndarray[Any, Any], tensor: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Values as the tensor's integers, where it has any."""
    import numpy as np

    scale, zero = tensor["quantization"]
    if not scale:
        return values
    limits = np.iinfo(tensor["dtype"])
    clipped = np.clip(np.round(values / scale) + zero, limits.min, limits.max)
    whole: np.ndarray[Any, Any] = clipped.astype(tensor["dtype"])
    return whole


def _restored(values: np.ndarray[Any, Any], tensor: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Values as floats."""
    import numpy as np

    scale, zero = tensor["quantization"]
    return (values.astype(np.float32) - zero) * np.float32(scale) if scale else values
