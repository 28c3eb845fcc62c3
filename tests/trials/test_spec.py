"""What a row is about: settings, keys, labels, and what cannot be."""

from dataclasses import replace

from harness.storage.keys import dense_key, trial_key
from harness.trials.spec import Dense, Trial
from harness.trials.target import Target
from harness_plugins.pruners.fpgm import Fpgm
from harness_plugins.schedules.iterative import Iterative


def test_keys_are_those_of_the_settings(dense: Dense, trial: Trial):
    assert dense.key == dense_key(dense.settings)
    assert trial.key == trial_key(trial.settings)
    assert {**trial.settings, **dense.settings} == {**trial.settings, "pruner": "dense"}


def test_labels_are_what_a_person_calls_them(dense, trial):
    assert dense.label == "residual_network dense seed 0"
    assert trial.label == "residual_network magnitude_l2 weight one_shot seed 0"


def test_levels_are_no_part_of_a_trials_key(trial):
    assert replace(trial, levels=(0.1,)).key == trial.key


def test_what_a_level_is_a_fraction_of_is_part_of_it(trial):
    assert replace(trial, target=Target(quantity="macs")).key != trial.key


def test_what_cannot_be_is_said_in_a_sentence(trial):
    assert trial.impossible is None
    assert replace(trial, pruner=Fpgm()).impossible == "fpgm is defined at granularity channel only"
    slow = Iterative().configured("0.1")
    n_of_m = replace(trial, granularity="2:4", scope="local", schedule=slow, levels=(0.5,))
    assert n_of_m.impossible.startswith("2:4 leaves all at once, which iterative")


def test_a_schedule_that_raises_is_the_trials_own_affair(trial):
    class Unusable:
        name = "unusable"

        def rounds(self, target):
            raise RuntimeError("no rounds")

    assert replace(trial, granularity="2:4", scope="local", schedule=Unusable()).impossible is None
