"""A trial's walk: exact zeros, smaller models, shared steps, failures that stay with their level."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from harness.networks.layers import prunable_weights
from harness.trials.level_result import finished_level_result, level_result
from harness.trials.snapshot import load_model, read_facts
from harness.trials.trained_models import train_dense
from harness_plugins.pruners.batch_norm_scale import BatchNormScale
from harness_plugins.pruners.magnitude import Magnitude
from harness_plugins.pruners.taylor import Taylor
from harness_plugins.schedules.iterative import Iterative
from tests.doubles import run_trial


def models(trial, store):
    levels = list(run_trial(trial, store))
    assert [level.reason for level in levels] == [""] * len(levels)
    dense = trial.dense
    return [load_model(store.folder(level.snapshot), dense.model, dense.dataset) for level in levels]


@pytest.mark.parametrize("schedule", [None, Iterative()])
def test_snapshots_hold_exactly_the_asked_number_of_zeros(trial, trained, schedule):
    trial = replace(trial, schedule=schedule or trial.schedule)
    for level, model in zip(trial.levels, models(trial, trained), strict=True):
        weights = prunable_weights(model).values()
        zeros = sum(int((weight == 0).sum()) for weight in weights)
        assert zeros == round(level * sum(weight.numel() for weight in weights))


@pytest.mark.parametrize("schedule", [None, Iterative()])
def test_channels_leave_until_the_sparsity_is_met(channel_trial, trained, schedule):
    trial = replace(channel_trial, schedule=schedule or channel_trial.schedule)
    dense = read_facts(trained.folder(trial.dense.key))
    for level, model in zip(run_trial(trial, trained), models(trial, trained), strict=True):
        left = sum(weight.numel() for weight in prunable_weights(model).values())
        assert level.sparsity_reached == pytest.approx(1 - left / dense.prunable)
        assert level.sparsity_reached >= level.sparsity
        assert read_facts(trained.folder(level.snapshot)).macs < dense.macs
        assert level.facts.reduction == "group"


def test_every_level_costs_the_same_epochs(trial, trained):
    for schedule in (trial.schedule, Iterative()):
        spent = [level.facts.epochs for level in run_trial(replace(trial, schedule=schedule), trained)]
        assert spent == pytest.approx([trial.dense.recipe.finetune_epochs] * 2)


def test_two_runs_give_the_same_masks_and_the_same_accuracy(trial, trained, tmp_path):
    from harness.storage.artifacts import ArtifactStore

    other = ArtifactStore(tmp_path / "other")
    train_dense(trial.dense, other)
    trial = replace(trial, schedule=Iterative())
    for one, two in zip(models(trial, trained), models(trial, other), strict=True):
        for name, value in one.state_dict().items():
            assert torch.equal(value, two.state_dict()[name]), name


def test_a_level_depends_on_no_other_level(trial, trained):
    together = [level.snapshot for level in run_trial(trial, trained)]
    alone = [
        level.snapshot for level in run_trial(replace(trial, levels=(0.9,), scope="global"), trained)
    ]
    assert together[1] == alone[0]


class Counting(Magnitude):
    """Counts its scorings."""

    calls = 0

    def score(self, evidence):
        type(self).calls += 1
        return super().score(evidence)


def test_levels_that_go_on_from_one_state_share_its_scoring(trial, trained):
    trial = replace(trial, pruner=Counting("counting", 2), levels=(0.5, 0.7, 0.9))
    assert all(level.status == "ok" for level in run_trial(trial, trained))
    assert Counting.calls == 1


def test_criteria_that_choose_the_same_masks_share_the_fine_tuning(trial, trained):
    first = [level.snapshot for level in run_trial(trial, trained)]
    twin = replace(trial, pruner=Magnitude("magnitude_l1", 1))
    assert [level.snapshot for level in run_trial(twin, trained)] == first
    assert twin.key != trial.key


class Capricious:
    """Raises at the first scoring."""

    name = "capricious"

    def __init__(self) -> None:
        self.calls = 0

    def score(self, evidence):
        self.calls += 1
        if self.calls == 1:
            raise RuntimeError("not today")
        return {name: weight.abs() for name, weight in evidence.weights.items()}


def test_a_level_that_goes_wrong_leaves_the_others_alone_and_is_tried_again(trial, trained):
    trial = replace(trial, pruner=Capricious(), levels=(0.5, 0.7, 0.9))
    assert [level.status for level in run_trial(trial, trained)] == ["failed", "ok", "ok"]
    failed = level_result(trial, 0.5, trained)
    assert "RuntimeError: not today (test_trial_run.py:" in failed.reason
    assert finished_level_result(trial, 0.5, trained) is None
    assert [level.status for level in run_trial(trial, trained)] == ["ok", "ok", "ok"]


class Misshapen:
    """Scores channels where weights are asked for."""

    name = "misshapen"

    def score(self, evidence):
        return {name: weight.flatten(1).norm(dim=1) for name, weight in evidence.weights.items()}


class Vandal:
    """Changes everything it is given."""

    name = "vandal"

    def score(self, evidence):
        scores = {name: weight.clone().abs() ** 2 for name, weight in evidence.weights.items()}
        for weight in evidence.weights.values():
            weight.zero_()
        for parameter in evidence.model.parameters():
            parameter.data.zero_()
        for images, _ in evidence.batches:
            images.zero_()
        return scores


def test_misshapen_scores_fail_with_the_shape_that_was_wanted(trial, trained):
    [first, _] = run_trial(replace(trial, pruner=Misshapen()), trained)
    assert first.status == "failed"
    assert "must be shaped (8, 3, 3, 3); they are (8,)" in first.reason


def test_a_criterion_that_changes_its_evidence_cannot_touch_the_model(trial, trained):
    honest = [level.snapshot for level in run_trial(trial, trained)]
    assert [level.snapshot for level in run_trial(replace(trial, pruner=Vandal()), trained)] == honest


def test_what_a_method_looked_at_is_recorded(trial, trained):
    trial = replace(trial, granularity="channel", pruner=BatchNormScale())
    [first, _] = run_trial(trial, trained)
    assert first.facts.evidence == "norm_scales"


def test_what_cannot_be_reached_is_skipped_with_its_reason(channel_trial, trained):
    near, far = run_trial(replace(channel_trial, levels=(0.5, 0.9999)), trained)
    assert near.status == "ok"
    assert (far.status, far.reason) == (
        "skipped",
        "even one channel a layer leaves more than this sparsity",
    )


class Unprunable(nn.Module):
    """Norms and nothing else."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images):
        return self.norm(images).mean((2, 3)).repeat(1, 4)[:, :10]


@dataclass(frozen=True)
class Norms:
    name: str = "norms"

    def build(self, dataset):
        return Unprunable()


@pytest.mark.parametrize("granularity", ["weight", "channel", "2:4"])
def test_a_model_with_nothing_to_prune_is_skipped(trial, store, granularity):
    dense = replace(trial.dense, model=Norms())
    trial = replace(trial, dense=dense, pruner=Taylor(), granularity=granularity)
    train_dense(trial.dense, store)
    for level in run_trial(trial, store):
        assert (level.status, level.reason) == (
            "skipped",
            "the model has no convolution or linear layer to prune",
        )
