"""Levels as fractions of multiply-accumulates: counted as they are spent, met as nearly as can be."""

from dataclasses import replace

import pytest
import torch

from harness.networks.layers import count_macs, prunable_weights
from harness.pruning.mask_search import masked_cost, total_cost, weight_costs
from harness.trials.snapshot import load_model, read_facts
from harness.trials.target import Target
from harness_plugins.schedules.iterative import Iterative
from tests.doubles import run_trial

MACS = Target(quantity="macs")


def shapes_of(model):
    return {name: weight.shape for name, weight in prunable_weights(model).items()}


def test_weights_cost_as_many_macs_as_the_counter_counts(resnet18):
    example = torch.randn(2, 3, 32, 32)
    costs = weight_costs(resnet18, example, counted="macs")
    assert total_cost(shapes_of(resnet18), costs) == count_macs(resnet18, example[:1])
    assert costs["conv1.weight"] == 16 * 16


def test_parameters_cost_one_each(network):
    costs = weight_costs(network, torch.randn(1, 3, 16, 16), counted="params")
    assert total_cost(shapes_of(network), costs) == sum(s.numel() for s in shapes_of(network).values())


def test_masks_save_what_their_zeros_cost():
    masks = {"a": torch.tensor([True, False, False]), "b": torch.tensor([False])}
    assert masked_cost(masks, 100.0, {"a": 10.0, "b": 1.0}) == 79.0


def test_channels_leave_until_the_macs_are_met(channel_trial, trained):
    trial = replace(channel_trial, target=MACS, levels=(0.5, 0.8))
    dense = read_facts(trained.folder(trial.dense.key)).macs
    for level in run_trial(trial, trained):
        left = read_facts(trained.folder(level.snapshot)).macs / dense
        assert level.target_reached == pytest.approx(1 - left, abs=1e-3)
        assert left <= 1 - level.sparsity < left + 0.15, "one channel less would be too many"


@pytest.mark.parametrize("schedule", [None, Iterative()])
@pytest.mark.parametrize("scope", ["global", "local", "row", "erk"])
def test_weights_leave_until_their_macs_are_met(trial, trained, scope, schedule):
    schedule = schedule or trial.schedule
    trial = replace(trial, target=MACS, scope=scope, schedule=schedule, levels=(0.5,))
    [level] = run_trial(trial, trained)
    assert level.reason == ""
    assert 0.5 <= level.target_reached < 0.5 + (0.03 if scope == "row" else 1e-3)
    [plain] = run_trial(replace(trial, target=Target()), trained)
    # Where every layer loses the same fraction, it is the same of both.
    assert (level.snapshot == plain.snapshot) == (scope in ("local", "row"))


@pytest.mark.parametrize("scope", ["global", "local", "row"])
def test_a_floor_keeps_that_part_of_each_layer_s_weights(trial, trained, scope):
    floor = replace(trial, scope=scope, levels=(0.5,), layer_floor=0.4)
    [level] = run_trial(floor, trained)
    model = load_model(trained.folder(level.snapshot), trial.dense.model, trial.dense.dataset)
    weights = prunable_weights(model).values()
    assert level.sparsity_reached == pytest.approx(0.5, abs=0.03)
    assert all(int(w.count_nonzero()) >= 0.4 * w.numel() for w in weights)


@pytest.mark.parametrize("scope", ["global", "local", "erk"])
def test_a_floor_above_what_may_stay_is_named(trial, trained, scope):
    [level] = run_trial(replace(trial, scope=scope, levels=(0.9,), layer_floor=0.4), trained)
    assert level.status == "skipped"
    assert "the floor of 0.4 of each layer's weights (--layer-floor)" in level.reason


def test_without_a_floor_a_layer_may_lose_more(trial, trained):
    [level] = run_trial(replace(trial, scope="global", levels=(0.9,)), trained)
    model = load_model(trained.folder(level.snapshot), trial.dense.model, trial.dense.dataset)
    left = [int(w.count_nonzero()) / w.numel() for w in prunable_weights(model).values()]
    assert min(left) < 0.1
