"""ExecuTorch with XNNPACK on the CPU: PyTorch's own runtime for phones and embedded Linux."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

FLOAT, FLOAT_CODE = "float32", 6
"""PyTorch's number of that type (c10::ScalarType)."""


@dataclass(frozen=True)
class ExecuTorchConverter:
    """ExecuTorch's program for one batch size, all that XNNPACK can run handed to it."""

    name: str = "executorch_xnnpack"
    suffix: str = ".pte"

    @property
    def version(self) -> str:
        """Of PyTorch and ExecuTorch."""
        return f"torch {version('torch')}, executorch {version('executorch')}"

    def convert(self, model: nn.Module, images: Tensor, *, batch: int) -> bytes:
        """The program."""
        import torch

        with _silenced():
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower

            example = images[:1].expand(batch, *images.shape[1:]).contiguous()
            program = torch.export.export(model.eval(), (example,))
            lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
            return bytes(lowered.to_executorch().buffer)

    def tensors(self, file: bytes) -> tuple[list[harness.FileTensor], list[harness.FileTensor]]:
        """Inputs and outputs of the program's forward method, which have places and no names."""
        with _silenced():
            from executorch.runtime import Runtime

        method = Runtime.get().load_program(file).metadata("forward")
        return (
            [_tensor(method.input_tensor_meta(at)) for at in range(method.num_inputs())],
            [_tensor(method.output_tensor_meta(at)) for at in range(method.num_outputs())],
        )


def _tensor(described: Any) -> harness.FileTensor:  # noqa: ANN401 -- ExecuTorch's TensorInfo
    kind = FLOAT if described.dtype() == FLOAT_CODE else f"ScalarType {described.dtype()}"
    return harness.FileTensor(name="", shape=tuple(described.sizes()), type=kind)


class ExecuTorchCpu:
    """ExecuTorch with XNNPACK on the CPU, 32-bit floats; its portable kernels run the rest."""

    name = "executorch_cpu"
    channel_multiple = 8
    reads_weights = False

    @property
    def converter(self) -> harness.AnyConverter:
        """ExecuTorch's own."""
        return ExecuTorchConverter()

    def unavailable(self) -> str | None:
        """Whether ExecuTorch is missing or in conflict."""
        return harness.unmet("executorch")

    def describe(self) -> Mapping[str, str]:
        """The processor and ExecuTorch's version."""
        runtime = f"executorch {version('executorch')}"
        return {"device": harness.cpu_name(), "runtime": runtime}

    def peak_macs(self, threads: int) -> float:
        """The processor's."""
        return harness.cpu_peak_macs(threads)

    def load(self, file: bytes) -> harness.Run:
        """The program's forward method."""
        import torch

        with _silenced():
            from executorch.extension.pybindings import portable_lib
            from executorch.runtime import Runtime

        # One pool serves all programs of a process, and those that are loaded hold on to it.
        threads = torch.get_num_threads()
        if portable_lib._threadpool_get_thread_count() != threads:
            portable_lib._unsafe_reset_threadpool(threads)
        program = Runtime.get().load_program(file)

        def run(images: Tensor) -> Tensor:
            # Asked of the program each time, which keeps its methods: they read memory that is its own.
            outputs: Tensor = program.load_method("forward").execute((images,))[0]
            return outputs

        return run


@contextmanager
def _silenced() -> Iterator[None]:
    """Without the warnings of what ExecuTorch uses that is old, and that it may change itself."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer ExecuTorch on the CPU."""
    return [ExecuTorchCpu()]
