"""Models: networks of the right shape, the same from the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.contracts.data import Model, Pretrained
from harness.errors import HarnessError
from harness.testing.arguments import ready
from harness.testing.requirements import require, skip

if TYPE_CHECKING:
    from torch import nn

    from harness.contracts.data import Dataset
    from harness.testing.abilities import Abilities


def check_model(model: Model, dataset: Dataset) -> Abilities:
    """One logit a class, and the same weights from the same seed.

    Skipped with the reason where weights trained before cannot be had here. Returns its abilities.
    """
    model, abilities = ready(model, Model, argument=None)
    first, second = _seeded(model, dataset), _seeded(model, dataset)
    _check_outputs(model.name, first, dataset)
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    require(all(torch.equal(a, b) for a, b in pairs), f"{model.name}: weights follow the seed")
    if isinstance(model, Pretrained):
        _check_pretrained(model.name, _pretrained(model, model.name, dataset), first)
    return abilities


def _seeded(model: Model, dataset: Dataset) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.build(dataset)


def _check_outputs(name: str, network: nn.Module, dataset: Dataset) -> None:
    with torch.no_grad():
        outputs = network.eval()(torch.randn(2, *dataset.shape))
    require(tuple(outputs.shape) == (2, dataset.classes), f"{name}: outputs {tuple(outputs.shape)}")
    require(bool(torch.isfinite(outputs).all()), f"{name}: outputs hold NaN or infinity")


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
