"""Which weights two snapshots share, whatever was removed from them and how."""

from dataclasses import replace

import pytest
import torch

from harness.networks.layers import prunable_weights
from harness.trials.mask_overlap import differing_fraction, same_weights, surviving_weights
from harness.trials.snapshot import load_model, read_facts
from tests.doubles import run_trial


@pytest.fixture
def survivors(trial, trained):
    """Which weights of dense a trial's only level still has, and where its snapshot is."""

    def of(own=trial):
        own = replace(own, levels=(0.5,))
        [level] = run_trial(own, trained)
        folder = trained.folder(level.snapshot)
        return surviving_weights(folder, own.dense.model, own.dense.dataset), folder

    return of


def test_masked_weights_survive_where_they_are_not_zero(survivors, dense):
    found, folder = survivors()
    model = load_model(folder, dense.model, dense.dataset)
    for name, weight in prunable_weights(model).items():
        assert torch.equal(found[name], (weight != 0).flatten()), name


def test_weights_of_a_smaller_model_are_found_where_dense_had_them(survivors, channel_trial):
    found, folder = survivors(channel_trial)
    history = read_facts(folder).history
    gone = {root: channels for root, produces, channels in history if produces}["third"]
    kept = found["third.weight"].view(16, -1).any(1)
    assert [channel for channel in range(16) if not kept[channel]] == sorted(gone)


def test_a_model_differs_from_itself_nowhere_and_from_its_opposite_everywhere(survivors):
    found, _ = survivors()
    assert differing_fraction(found, found) == 0.0
    assert differing_fraction(found, {name: ~keep for name, keep in found.items()}) == 1.0


def test_the_same_weights_are_the_same_to_the_bit(survivors, trained, dense):
    _, folder = survivors()
    assert same_weights(folder, folder)
    assert not same_weights(folder, trained.folder(dense.key))
