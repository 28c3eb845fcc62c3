"""What would not act in its epochs is skipped, with how many it takes."""

from dataclasses import replace

import pytest

from harness.trials.training_budget import round_epochs
from harness_plugins.pruners.penalised import GReg, GroupLasso, Slimming
from harness_plugins.schedules.at_init import RigL
from harness_plugins.schedules.lottery import Lottery
from harness_plugins.schedules.rewinding import Rewinding
from harness_plugins.schedules.scratch import Scratch
from tests.doubles import run_trial

STEPS = 18
"""Of an epoch of digits: 1198 images, 64 a step."""


@pytest.fixture
def patient(trial):
    """A trial whose recipe has so many epochs."""

    def made(**epochs):
        return replace(trial, dense=replace(trial.dense, recipe=replace(trial.dense.recipe, **epochs)))

    return made


@pytest.mark.parametrize("pruner", [Slimming(), GroupLasso(), GReg()])
def test_a_penalty_takes_some_hundred_steps(trial, pruner):
    channel = replace(trial, pruner=pruner, granularity="channel", scope="local")
    assert channel.impossible == (
        f"{pruner.name} acts from about 500 steps of training with its penalty on, and has 0: "
        "--penalty-epochs 28 gives them"
    )
    assert replace(channel, penalty_epochs=27.0).impossible is not None
    assert replace(channel, penalty_epochs=28.0).impossible is None


def test_its_epochs_are_a_setting_of_the_trial_and_are_counted(trial, trained):
    class Quick(Slimming):
        least_steps = 5

    quick = replace(
        trial, pruner=Quick(least_steps=5), granularity="channel", scope="global", penalty_epochs=0.5,
        levels=(0.5,),
    )  # fmt: skip
    assert quick.impossible is None
    assert quick.key != replace(quick, penalty_epochs=1.0).key
    [level] = run_trial(quick, trained)
    assert level.facts.epochs == pytest.approx(0.5 + trial.dense.recipe.finetune_epochs)


def test_a_ticket_trains_for_an_epoch_at_least(patient):
    short = patient(finetune_epochs=1.0, dense_epochs=4.0)
    for schedule in (Lottery(), Rewinding("weight_rewinding", weights=True)):
        told = replace(short, schedule=schedule, levels=(0.5, 0.9))
        if isinstance(schedule, Lottery):
            assert "trains what it sets back for" in told.impossible
            assert "--finetune-epochs" in told.impossible
        else:
            assert told.impossible is None, "one round, one epoch"
    longer = patient(finetune_epochs=11.0, dense_epochs=4.0)
    assert replace(longer, schedule=Lottery(), levels=(0.9,)).impossible is None


def test_moving_masks_move_ten_times_at_least(patient):
    short = replace(patient(dense_epochs=12.0, finetune_epochs=1.0), schedule=RigL())
    assert short.impossible == (
        "rigl moves its masks 1 times in 234 steps, which takes at least 10: move them every 15 steps, "
        "or train longer by --dense-epochs"
    )
    often = replace(short, schedule=RigL().configured("15"))
    assert often.impossible is None


@pytest.mark.parametrize("schedule", [Scratch(), Lottery().configured("full").control])
def test_new_weights_are_not_held_against_weights_that_were_trained_elsewhere(
    patient, schedule, tmp_path
):
    fresh = replace(patient(dense_epochs=12.0, finetune_epochs=12.0), schedule=schedule, levels=(0.5,))
    assert fresh.impossible is None
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"")
    started = replace(fresh, dense=replace(fresh.dense, weights=weights))
    assert f"{schedule.name} draws new weights, and the dense model starts from" in started.impossible
    assert replace(started, schedule=Lottery().configured("full")).impossible is None


def test_epochs_of_a_round_are_its_shares_of_both_trainings(patient):
    [turn] = RigL().rounds(0.5)
    assert round_epochs(turn, patient(dense_epochs=3.0, finetune_epochs=0.5).dense.recipe) == 3.5
