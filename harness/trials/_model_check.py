"""Model check: what a model has to be, found out before it is trained."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from harness.errors import HarnessError
from harness.networks.layers import exempt, layers_of, unreached_weights
from harness.training.sampling import drawn_images

if TYPE_CHECKING:
    from torch import nn

    from harness.contracts.data import Dataset


def check_model(network: nn.Module, *, name: str, dataset: Dataset) -> None:
    """Exempt what no output depends on from pruning, and see that the rest can be pruned.

    Raises HarnessError where weights are computed from others, or outputs are no logits.
    """
    _check_weights(network, name)
    # What is drawn meanwhile is no part of a trial's own randomness.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        images = drawn_images(dataset, "train", 2, seed=0)
        # Training moves the statistics of norms.
        for mode in (copy.deepcopy(network).train(), network.eval()):
            _check_logits(mode(images), name, shape=(len(images), dataset.classes))
    exempt(network, unreached_weights(network, images))


def _check_weights(network: nn.Module, name: str) -> None:
    for weight, layer in layers_of(network).items():
        if layer._parameters.get("weight") is None:
            raise HarnessError(
                f"{weight} of {name} is computed from other parameters (weight_norm, spectral_norm or "
                "another parametrization), so that no zero would stay in it: fold it in build(), by "
                "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight') or "
                "torch.nn.utils.remove_weight_norm(layer)"
            )


def _check_logits(outputs: object, name: str, *, shape: tuple[int, int]) -> None:
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
