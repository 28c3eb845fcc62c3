"""Penalties act in the least number of steps that they ask for: another choice than without them."""

from dataclasses import replace
from functools import cache

import pytest
import torch

from harness.pruning._channel_selection import lowest_channels
from harness.training.learning_rate import Rate
from harness.training.loop import TrainingJob, train
from harness.training.penalty import penalty_on
from harness.training.sampling import example_batch, steps_per_epoch
from harness.training.synthetic import residual_network
from harness_plugins.datasets.digits import Digits
from harness_plugins.pruners.penalised import GReg, GroupLasso, Slimming

DIGITS = Digits()
FILTERS = ("first.weight", "second.weight", "third.weight")


@cache
def plain(recipe):
    """The network after as many steps by the plain loss, trained once for all."""
    return trained(recipe)


@pytest.fixture
def recipe(recipe):
    """Steps count here, and not how many images each sees."""
    return replace(recipe, train_batch=16)


def trained(recipe, pruner=None, *, keep=None):
    """A small network after the steps that the penalty asks for, with it or by the plain loss."""
    network = residual_network()
    penalty = pruner and penalty_on(network, pruner, keep=keep or {}, example=example_batch(DIGITS, 2))
    epochs = 500 / steps_per_epoch(DIGITS, recipe)
    job = TrainingJob(epochs=epochs, rate=Rate(peak=0.02), seed=0, penalty=penalty)
    train(network, DIGITS, recipe, job)
    return network


def chosen(scores):
    """Half of the channels of all layers, by scores."""
    masks = lowest_channels(scores, sum(map(len, scores)) // 2).masks
    return torch.cat(list(masks))


def scales(network):
    return [norm.weight.detach().abs() for norm in (network.norm1, network.norm2, network.norm3)]


def norms(network):
    weights = dict(network.named_parameters())
    return [weights[name].detach().flatten(1).norm(dim=1) for name in FILTERS]


@pytest.mark.parametrize(("pruner", "scores"), [(Slimming(), scales), (GroupLasso(), norms)])
def test_what_the_penalty_leaves_is_another_choice(recipe, pruner, scores):
    without, penalised = scores(plain(recipe)), scores(trained(recipe, pruner))
    assert not torch.equal(chosen(without), chosen(penalised))
    shrunk = torch.cat(penalised).median() / torch.cat(without).median()
    assert shrunk < 0.9, "it pulls at all of them"


def test_growing_regularisation_fades_what_is_to_go_and_nothing_else(recipe):
    before = norms(residual_network())
    masks = lowest_channels(before, sum(map(len, before)) // 2).masks
    keep = dict(zip(FILTERS, masks, strict=True))
    without, faded = norms(plain(recipe)), norms(trained(recipe, GReg(), keep=keep))
    pairs = list(zip(faded, without, masks, strict=True))
    gone = torch.cat([own[~mask] / other[~mask] for own, other, mask in pairs])
    kept = torch.cat([own[mask] / other[mask] for own, other, mask in pairs])
    assert gone.max() < 0.2
    assert kept.min() > 0.7
