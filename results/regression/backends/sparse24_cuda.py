"""PyTorch on an NVIDIA GPU whose tensor cores skip two zeros of every four (Mishra 2021)."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

ROWS, COLUMNS = 32, 64
"""What cuSPARSELt wants a matrix of 16-bit floats to be a multiple of."""


class Sparse24Cuda:
    """PyTorch eager on an NVIDIA GPU, 16-bit floats; linear layers that are 2:4 run on cuSPARSELt."""

    name = "sparse24_cuda"
    torch_device = "cuda"
    channel_multiple = 64
    reads_weights = True
    tolerance = 0.02

    def unavailable(self) -> str | None:
        """Whether there is no GPU."""
        return harness.no_gpu()

    def describe(self) -> Mapping[str, str]:
        """The GPU and PyTorch's version."""
        runtime = f"torch {version('torch')} cuSPARSELt"
        return {"device": harness.gpu_name(), "runtime": runtime}

    def prepare(self, model: nn.Module, example: Tensor) -> harness.Run:  # noqa: ARG002 -- eager needs no example
        """A copy on the GPU, the weights of `sparse_layers` compressed."""
        import torch

        halved = copy.deepcopy(model.eval()).to(self.torch_device, torch.float16)
        for layer in sparse_layers(halved):
            with warnings.catch_warnings():
                # That semi-structured tensors are a prototype.
                warnings.simplefilter("ignore", UserWarning)
                compressed = torch.sparse.to_sparse_semi_structured(layer.weight.detach())
            layer.weight = torch.nn.Parameter(compressed, requires_grad=False)

        def run(images: Tensor) -> Tensor:
            outputs: Tensor = halved(images.half())
            return outputs.float()

        return torch.inference_mode()(run)


def sparse_layers(model: nn.Module) -> list[nn.Linear]:
    """The linear layers with two zeros in every four inputs, of a size that cuSPARSELt takes."""
    from torch import nn

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    return [layer for layer in layers if _fits(layer.weight) and _half_is_zero(layer.weight)]


def _fits(weight: Tensor) -> bool:
    return weight.shape[0] % ROWS == 0 and weight.shape[1] % COLUMNS == 0


def _half_is_zero(weight: Tensor) -> bool:
    kept = (weight != 0).unflatten(1, (-1, 4)).sum(2)
    return bool((kept <= 2).all())


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer 2:4 sparsity on an NVIDIA GPU."""
    return [Sparse24Cuda()]
