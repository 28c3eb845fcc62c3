"""ONNX Runtime on the CPU, from a graph exported by PyTorch's dynamo exporter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

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

    def prepare(self, model: nn.Module, example: Tensor) -> harness.Run:
        """Export, fill and load the model."""
        return self.load(self.fill(self.export(model, example), model))

    def export(self, model: nn.Module, example: Tensor) -> bytes:
        """The graph for any batch size, its weights named and taken out."""
        import torch

        two = example[:1].repeat(2, *(1 for _ in example.shape[1:]))
        program = torch.onnx.export(
            model.eval(),
            (two,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            # Folding would bake this model's weights into constants that its twins do not share.
            optimize=False,
            verbose=False,
        )
        if program is None:
            raise harness.HarnessError("the exporter returned no program")
        graph = program.model_proto
        for weight in graph.graph.initializer:
            if weight.name in model.state_dict():
                weight.ClearField("raw_data")
        content: bytes = graph.SerializeToString()
        return content

    def fill(self, graph: bytes, model: nn.Module) -> bytes:
        """The ONNX file: the graph with the model's weights."""
        import onnx

        filled = onnx.ModelProto.FromString(graph)
        state = model.state_dict()
        for weight in filled.graph.initializer:
            if weight.name in state:
                array = state[weight.name].detach().contiguous().numpy()
                weight.CopyFrom(onnx.numpy_helper.from_array(array, weight.name))
        content: bytes = filled.SerializeToString()
        return content

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
