"""Scores and gradients of a dense model are made once for all trials that need them."""

from dataclasses import replace

import pytest
import torch

from harness.pruning.evidence import RecordedEvidence
from harness.storage.artifacts import ArtifactStore
from harness.storage.tensor_cache import TensorCache
from harness.trials.trained_models import train_dense
from harness_plugins.pruners.snip import Snip
from tests.doubles import run_trial


class Counting(Snip):
    """Counts how often it is asked."""

    name = "counting"

    def __init__(self):
        self.asked = 0

    def score(self, evidence):
        self.asked += 1
        return super().score(evidence)


@pytest.fixture(autouse=True)
def _all_is_worth_keeping(monkeypatch):
    monkeypatch.setattr("harness.storage.tensor_cache.MIN_SECONDS_TO_KEEP", 0.0)


def test_trials_of_one_criterion_share_its_scores(trial, trained):
    pruner = Counting()
    for own in (
        replace(trial, pruner=pruner, levels=(0.5, 0.9)),
        replace(trial, pruner=pruner, granularity="2:4", scope="local", levels=(0.5,)),
        replace(trial, pruner=pruner, scope="local", levels=(0.5,)),
    ):
        assert [level.reason for level in run_trial(own, trained)] == [""] * len(own.levels)
    assert pruner.asked == 1


def test_scores_that_were_kept_prune_as_new_ones_do(trial, trained, tmp_path):
    levels = []
    for place in (trained, ArtifactStore(tmp_path / "other")):
        assert place.take(trained, trial.dense.key)
        first = replace(trial, pruner=Snip(), levels=(0.5,))
        list(run_trial(first, place) if place is trained else [])
        levels.append(list(run_trial(replace(first, scope="local"), place)))
    [kept], [new] = levels
    assert kept.snapshot == new.snapshot
    assert kept.facts.evidence == new.facts.evidence == "gradients,weights"


def test_another_granularity_or_model_has_scores_of_its_own(trial, trained):
    pruner = Counting()
    for granularity, scope in (("weight", "global"), ("channel", "global")):
        list(run_trial(replace(trial, pruner=pruner, granularity=granularity, scope=scope), trained))
    assert pruner.asked == 2
    other = replace(trial.dense, seed=1)
    train_dense(other, trained)
    list(run_trial(replace(trial, pruner=pruner, dense=other), trained))
    assert pruner.asked == 3


def test_criteria_share_gradients(network, store, monkeypatch):
    images, labels = torch.randn(8, 3, 32, 32), torch.arange(8)
    cache = TensorCache(store, of=["a model"])
    settings = {"granularity": "weight", "batches": [(images, labels)], "coupled": None, "seed": 0}
    first, second = (RecordedEvidence(network, **settings, cache=cache) for _ in range(2))
    made = first.gradients
    monkeypatch.setattr(second, "_gradients", None)
    assert all(torch.equal(second.gradients[name], gradient) for name, gradient in made.items())
    assert second.touched == {"gradients"}


def test_what_is_made_at_once_is_not_kept(store, monkeypatch):
    monkeypatch.setattr("harness.storage.tensor_cache.MIN_SECONDS_TO_KEEP", 60.0)
    cache = TensorCache(store, of=["a model"])
    assert cache.get("scores", lambda: ({"weight": torch.ones(2)}, ["weights"])).words == ["weights"]
    assert not store.root.exists()
