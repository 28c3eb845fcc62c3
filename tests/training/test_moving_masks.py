"""Masks that move: how many weights, which ones, and from what value they start."""

from dataclasses import replace

import pytest
import torch

from harness.contracts.schedules import Regrowth
from harness.networks.layers import prunable_weights
from harness.training._moving_masks import drop_fraction, regrown_mask
from harness.training.learning_rate import Rate
from harness.training.loop import TrainingJob, train
from harness_plugins.datasets.digits import Digits


def test_the_fraction_follows_a_cosine_to_the_end_of_regrowth():
    rule = Regrowth(drop=0.3, until=1.0)
    found = [drop_fraction(rule, progress) for progress in (0.0, 0.5, 1.0)]
    assert found == pytest.approx([0.3, 0.15, 0.0])


def test_the_smallest_leave_and_what_the_loss_pulls_at_hardest_comes():
    weight = torch.tensor([0.0, 3.0, -0.1, 2.0, 0.0, 0.0])
    gradient = torch.tensor([1.0, 9.0, 0.5, 9.0, -4.0, 2.0])
    keep = torch.tensor([False, True, True, True, False, False])
    move_masks = regrown_mask(weight, gradient, keep, fraction=0.34)
    assert move_masks.tolist() == [False, True, False, True, True, False]


def test_a_dropped_weight_may_come_back():
    keep = torch.tensor([True, True, False])
    move_masks = regrown_mask(
        torch.tensor([0.1, 1.0, 0.0]), torch.tensor([5.0, 0.0, 1.0]), keep, fraction=0.5
    )
    assert torch.equal(move_masks, keep)


def test_training_moves_masks_and_keeps_every_layers_count(network, recipe):
    generator = torch.Generator().manual_seed(0)
    masks = {
        name: torch.rand(weight.shape, generator=generator) < 0.3
        for name, weight in prunable_weights(network).items()
    }
    rule = Regrowth(every=3)
    recipe = replace(recipe, weight_decay=0.0)
    train(
        network,
        Digits(),
        recipe,
        TrainingJob(epochs=1.0, rate=Rate(peak=0.05), seed=0, masks=masks, regrowth=rule),
    )
    for name, weight in prunable_weights(network).items():
        assert int((weight != 0).sum()) == int(masks[name].sum()), name
    move_masks = prunable_weights(network)["third.weight"] != 0
    assert not torch.equal(move_masks, masks["third.weight"])
