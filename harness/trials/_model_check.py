"""Model check: what a model has to be, found out before it is trained."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from harness.errors import HarnessError
from harness.networks.layers import exempt_unreached, layers_of
from harness.training.sampling import example_batch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contracts.data import Dataset


EXAMPLE_IMAGES = 8


def check_model(network: nn.Module, *, name: str, dataset: Dataset) -> None:
    """Exempt what no output depends on from pruning, and see that the rest can be pruned.

    Raises HarnessError where weights are computed from others, outputs are no logits, or random.
    """
    _check_weights(network, name)
    images = example_batch(dataset, EXAMPLE_IMAGES)
    # What is drawn meanwhile is no part of a trial's own randomness.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        # Training moves the statistics of norms.
        trained = copy.deepcopy(network).train()
        first, again = (
            _logits(model(images), name, shape=(len(images), dataset.classes))
            for model in (trained.eval(), network.eval())
        )
        _logits(trained.train()(images), name, shape=(len(images), dataset.classes))
    if not torch.allclose(first, again, equal_nan=True):
        raise HarnessError(
            f"{name} is random in evaluation mode: the same images have other outputs the second time"
        )
    exempt_unreached(network, images)


def _check_weights(network: nn.Module, name: str) -> None:
    for weight, layer in layers_of(network).items():
        if layer._parameters.get("weight") is None:
            raise HarnessError(
                f"{weight} of {name} is computed from other parameters (weight_norm, spectral_norm or "
                "another parametrization), so that no zero would stay in it: fold it in build(), by "
                "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight') or "
                "torch.nn.utils.remove_weight_norm(layer)"
            )


def _logits(outputs: object, name: str, *, shape: tuple[int, int]) -> Tensor:
    if not isinstance(outputs, torch.Tensor):
        raise HarnessError(
            f"{name} returns a {type(outputs).__name__}, in training or in evaluation mode: a model "
            "returns one tensor of logits, (images, classes); wrap it in a module that does"
        )
    if outputs.shape != shape:
        raise HarnessError(
            f"outputs of {name} are {tuple(outputs.shape)} for {shape[0]} images of {shape[1]} "
            f"classes, where logits are {shape}"
        )
    return outputs
