"""Models: networks of the right shape, the same from the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.contracts.data import Model, Pretrained
from harness.errors import HarnessError
from harness.networks.layers import prunable_weights
from harness.testing.arguments import called, ready
from harness.testing.promises import STEADY_NAME, keep
from harness.testing.requirements import require, skip
from harness.training.synthetic import NoiseImages

if TYPE_CHECKING:
    from torch import nn

    from harness.contracts.abilities import Abilities
    from harness.contracts.data import Dataset
    from harness.testing.promises import Promises


def check_model(model: Model, dataset: Dataset | None = None) -> Abilities:
    """One logit a class, and the same weights from the same seed.

    `dataset` says how large images are and how many classes; ten classes of 3 x 32 x 32 without one.
    Skipped with the reason where weights trained before cannot be had here. Returns its abilities.
    """
    return keep(model_promises(model, dataset))


def model_promises(model: Model, dataset: Dataset | None = None) -> Promises:
    """What `check_model` tries."""
    dataset = dataset or NoiseImages(shape=(3, 32, 32))
    yield f"{called(model)} {STEADY_NAME}"
    model, abilities = ready(model, Model, argument=None)
    yield f"{model.name}: one finite logit a class, the same for the same images"
    first, second = _seeded(model, dataset), _seeded(model, dataset)
    _check_outputs(model.name, first, dataset)
    yield f"{model.name}: weights and buffers follow the seed, and there is something to prune"
    _check_state(model.name, first, second)
    if isinstance(model, Pretrained):
        yield f"{model.name}: `build_pretrained` makes the same network with other weights"
        _check_pretrained(model.name, _pretrained(model, model.name, dataset), first)
    return abilities


def _check_state(name: str, first: nn.Module, second: nn.Module) -> None:
    require(bool([*first.parameters()]), f"{name}: a network without parameters cannot be pruned")
    require(bool(prunable_weights(first)), f"{name}: no convolution or linear layer to prune")
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    require(all(torch.equal(a, b) for a, b in pairs), f"{name}: weights must follow the seed")
    for buffer, value in first.named_buffers():
        same = torch.equal(value, second.get_buffer(buffer))
        require(same, f"{name}: buffer {buffer!r} is drawn, but not from the seed")


def _seeded(model: Model, dataset: Dataset) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.build(dataset)


def _check_outputs(name: str, network: nn.Module, dataset: Dataset) -> None:
    images = torch.randn(2, *dataset.shape)
    with torch.no_grad():
        outputs, again = (network.eval()(images) for _ in range(2))
    require(
        tuple(outputs.shape) == (2, dataset.classes),
        f"{name}: outputs are shaped {tuple(outputs.shape)}, not {(2, dataset.classes)}",
    )
    require(bool(torch.isfinite(outputs).all()), f"{name}: outputs hold NaN or infinity")
    require(torch.equal(outputs, again), f"{name}: the same images give other outputs")


def _pretrained(model: Pretrained, name: str, dataset: Dataset) -> nn.Module:
    try:
        network = model.build_pretrained(dataset)
    except HarnessError as error:
        skip(name, str(error))
    _check_outputs(name, network, dataset)
    return network


def _check_pretrained(name: str, trained: nn.Module, fresh: nn.Module) -> None:
    """The network of `build` with other weights."""
    before, after = fresh.state_dict(), trained.state_dict()
    shapes = [{key: value.shape for key, value in state.items()} for state in (before, after)]
    require(shapes[0] == shapes[1], f"{name}: `build_pretrained` makes another network than `build`")
    other = any(not torch.equal(value, after[key]) for key, value in before.items())
    require(other, f"{name}: `build_pretrained` leaves the weights as `build` draws them")
