"""PyTorch on the CPU with sparse matrices where they are faster than dense ones."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

ROUNDS = 15
GAIN = 0.9
"""A sparse layer takes at most so much of the dense one's time, or it is left dense."""


class SparseCpu:
    """PyTorch eager on the CPU; linear layers become sparse (CSR) where that is faster."""

    name = "sparse_cpu"
    reads_weights = True

    def unavailable(self) -> str | None:
        """Never: PyTorch brings its own sparse matrices."""
        return None

    def describe(self) -> Mapping[str, str]:
        """The processor and PyTorch's version."""
        return {"device": harness.cpu_name(), "runtime": f"torch {version('torch')} CSR"}

    def prepare(self, model: nn.Module, example: Tensor) -> harness.Run:
        """Swap linear layers one by one, each timed on the input that it gets."""
        import torch

        swapped = copy.deepcopy(model.eval())
        with torch.inference_mode():
            for layer, given in _sparse_layers(swapped, example):
                product = _sparse_product(layer)
                if _seconds(product, given) < GAIN * _seconds(layer, given):
                    layer.forward = product  # type: ignore[method-assign, assignment]  # a module calls what it finds
        return torch.inference_mode()(swapped)


def _sparse_layers(model: nn.Module, example: Tensor) -> list[tuple[nn.Linear, Tensor]]:
    """The linear layers that have zeros, each with what it is given."""
    from torch import nn

    found: dict[nn.Linear, Tensor] = {}

    def watch(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        if isinstance(layer, nn.Linear):
            found[layer] = given[0]

    layers = [
        layer
        for layer in model.modules()
        if isinstance(layer, nn.Linear) and bool((layer.weight == 0).any())
    ]
    hooks = [layer.register_forward_pre_hook(watch) for layer in layers]
    model(example)
    for hook in hooks:
        hook.remove()
    return list(found.items())


def _sparse_product(layer: nn.Linear) -> Callable[[Tensor], Tensor]:
    """What the layer computes, from compressed rows of its weights."""
    with warnings.catch_warnings():
        # That compressed rows are in beta.
        warnings.simplefilter("ignore", UserWarning)
        weight = layer.weight.detach().to_sparse_csr()
    bias = layer.bias

    def product(given: Tensor) -> Tensor:
        outputs = (weight @ given.reshape(-1, given.shape[-1]).t()).t()
        if bias is not None:
            outputs = outputs + bias
        return outputs.reshape(*given.shape[:-1], -1)

    return product


def _seconds(run: Callable[[Tensor], Tensor], given: Tensor) -> float:
    """Median of several runs, the first aside."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        run(given)
        times.append(time.perf_counter() - began)
    return median(times[1:])


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer sparse matrices on the CPU."""
    return [SparseCpu()]
