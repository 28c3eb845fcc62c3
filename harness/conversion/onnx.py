"""ONNX files, by PyTorch's dynamo exporter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.contracts.converters import FileTensor
from harness.conversion._attention import four_dimensional_attention, frozen_weights
from harness.conversion.equivalence import TOLERANCE, deviation
from harness.errors import HarnessError
from harness.machine.environment import installed_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import GraphProto, NodeProto, ValueInfoProto
    from torch import Tensor, nn

    from harness.contracts.backends import Run

Optimised = Literal["none", "basic", "extended", "all"]
GROUPED_NODES = ("Conv", "ConvTranspose")
LEVELS: Mapping[Optimised, str] = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


@dataclass(frozen=True)
class OnnxConverter:
    """ONNX converter with weights under PyTorch's names, good for any batch size."""

    name: str = "onnx"
    suffix: str = ".onnx"

    @property
    def version(self) -> str:
        """Versions of PyTorch and its exporter's library."""
        return f"torch {installed_version('torch')}, onnxscript {installed_version('onnxscript')}"

    def export(self, model: nn.Module, example: Tensor) -> bytes:
        """Graph, its weights named and without values."""
        import torch

        two = example[:1].repeat(2, *(1 for _ in example.shape[1:]))
        with four_dimensional_attention(), frozen_weights(model):
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
            raise HarnessError("the exporter returned no program")
        graph = program.model_proto
        for weight in graph.graph.initializer:
            if weight.name in model.state_dict():
                weight.ClearField("raw_data")
        content: bytes = graph.SerializeToString()
        return content

    def narrowed(self, graph: bytes, model: nn.Module, example: Tensor) -> bytes | None:
        """Graph with weights of the model's shapes; None where shapes are in it elsewhere too."""
        import onnx
        import torch

        narrow, state = onnx.ModelProto.FromString(graph), model.state_dict()
        for weight in narrow.graph.initializer:
            if weight.name in state:
                weight.dims[:] = state[weight.name].shape
        _set_groups(narrow.graph, model)
        sizes = _free_last_sizes(narrow.graph)
        flat = [value for value in narrow.graph.value_info if value.name in sizes]
        # What it says of the shapes between layers is not so any more.
        del narrow.graph.value_info[:]
        try:
            shapes = _output_shapes(self.fill(narrow.SerializeToString(), model), [*sizes], example)
            for value in flat:
                # Who reads the file without running it is told the size too.
                size = shapes[value.name][-1]
                sizes[value.name].attribute[0].ints[-1] = size
                value.type.tensor_type.shape.dim[-1].dim_value = size
            narrow.graph.value_info.extend(flat)
            content: bytes = narrow.SerializeToString()
            with torch.no_grad():
                difference = deviation(
                    load_onnx(self.fill(content, model))(example), model.eval()(example)
                )
        except Exception:
            # As where the number of an attention's heads is another.
            return None
        return content if difference <= TOLERANCE else None

    def fill(self, graph: bytes, model: nn.Module) -> bytes:
        """ONNX file: the graph with the model's weights."""
        import onnx

        filled = onnx.ModelProto.FromString(graph)
        state = model.state_dict()
        for weight in filled.graph.initializer:
            if weight.name in state:
                weight.raw_data = state[weight.name].detach().contiguous().numpy().tobytes()
        content: bytes = filled.SerializeToString()
        return content

    def tensors(self, file: bytes) -> tuple[list[FileTensor], list[FileTensor]]:
        """Inputs and outputs of the graph."""
        import onnx

        graph = onnx.ModelProto.FromString(file).graph
        return [*map(_file_tensor, graph.input)], [*map(_file_tensor, graph.output)]


def _file_tensor(value: ValueInfoProto) -> FileTensor:
    from onnx.helper import tensor_dtype_to_np_dtype

    tensor = value.type.tensor_type
    return FileTensor(
        name=value.name,
        shape=tuple(size.dim_param or size.dim_value for size in tensor.shape.dim),
        type=tensor_dtype_to_np_dtype(tensor.elem_type).name,
    )


def _set_groups(graph: GraphProto, model: nn.Module) -> None:
    """Set the groups of convolutions to those of the model's: of depthwise ones, to its channels."""
    groups = {
        f"{name}.weight": module.groups
        for name, module in model.named_modules()
        if isinstance(getattr(module, "groups", None), int)
    }
    for node in graph.node:
        if node.op_type in GROUPED_NODES and node.input[1] in groups:
            for attribute in node.attribute:
                if attribute.name == "group":
                    attribute.i = groups[node.input[1]]


def _free_last_sizes(graph: GraphProto) -> dict[str, NodeProto]:
    """Free the last size of reshapes to fixed sizes, as where features are flattened.

    Constants that hold these sizes, by the reshapes' outputs; not those that several reshapes share,
    which a size fits only while it is free.
    """
    freed = {}
    readers = Counter(name for node in graph.node for name in node.input)
    producer_of = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        shape = producer_of.get(node.input[1]) if node.op_type == "Reshape" else None
        if shape is not None and shape.op_type == "Concat":
            sizes = [producer_of[name] for name in shape.input if name in producer_of]
            fixed = [size for size in sizes if size.op_type == "Constant"]
            if fixed and all(-1 not in size.attribute[0].ints for size in fixed):
                fixed[-1].attribute[0].ints[-1:] = [-1]
                if readers[fixed[-1].output[0]] == readers[shape.output[0]] == 1:
                    freed[node.output[0]] = fixed[-1]
    return freed


def _output_shapes(file: bytes, names: Sequence[str], example: Tensor) -> dict[str, tuple[int, ...]]:
    """Output shapes of nodes for an example, by the outputs' names."""
    import onnx

    if not names:
        return {}
    model = onnx.ModelProto.FromString(file)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    inference = _inference(model.SerializeToString())
    source = inference.get_inputs()[0].name
    outputs = inference.run([*names], {source: example.numpy()})
    return {name: output.shape for name, output in zip(names, outputs, strict=True)}


def load_onnx(file: bytes, *, optimised: Optimised = "all", spinning: bool = False) -> Run:
    """Run an ONNX file on ONNX Runtime's CPU provider, on as many threads as PyTorch is set to.

    `optimised` is the most that its graph may be changed. Threads that spin wait for work busily.
    """
    import torch

    inference = _inference(file, optimised=optimised, spinning=spinning)
    source = inference.get_inputs()[0].name

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(inference.run(None, {source: images.numpy()})[0])

    return run


def _inference(file: bytes, *, optimised: Optimised = "all", spinning: bool = False) -> Any:  # noqa: ANN401 -- ONNX Runtime has no annotations
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.__members__[LEVELS[optimised]]
    # Idle sessions that spin slow down whichever model runs.
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
