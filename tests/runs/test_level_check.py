"""Levels out of reach are refused by name, with what can be reached and how to reach more."""

from dataclasses import replace

import pytest

from harness.errors import HarnessError
from harness.planning.plan import Plan
from harness.runs.level_check import Reach, check_levels, trials_to_try
from harness.trials.target import Target
from harness_plugins.backends.eager import EagerCpu
from tests.doubles import refusal

RUN = ("run", "--models", "test_resnet", "--pruners", "group_norm_l2,fpgm", "--seeds", "0,1")


@pytest.fixture
def reach(channel_trial):
    trial = replace(
        channel_trial, levels=(0.5, 0.9, 0.95), layer_floor=0.1, target=Target(quantity="macs")
    )
    return Reach(trial=trial, most=0.8349)


def test_the_levels_what_can_be_reached_and_the_way_out_are_named(reach):
    with pytest.raises(HarnessError) as error:
        check_levels([reach])
    assert str(error.value) == (
        "level 0.9, 0.95 is out of reach: residual_network at channel: up to 0.834 of macs can leave, "
        "down to 0.1 of each layer; more can leave with --layer-floor below 0.1"
    )


def test_layers_that_are_named_are_a_way_out_too(reach):
    kept = replace(reach, trial=replace(reach.trial, layer_floor=0.0, keep="conv1"))
    with pytest.raises(HarnessError, match="more can leave with less in --keep and --only"):
        check_levels([kept])


def test_a_reach_that_is_a_time_or_not_known_refuses_nothing(reach):
    timed = replace(reach.trial, target=Target(quantity="latency", backend=EagerCpu()))
    unknown = replace(reach, most=None, reason="it cannot be traced")
    check_levels([replace(reach, trial=timed), unknown, replace(reach, most=0.95)])
    assert unknown.sentence.endswith("how much can leave is not known: it cannot be traced")


def test_only_trials_that_something_binds_are_tried_before_a_run(trial, channel_trial, monkeypatch):
    free, floored = trial, replace(trial, granularity="block:2x2", layer_floor=0.1)
    plan = Plan(dense_models=(), trials=(), cells=(), pending=())
    trials = [free, floored, channel_trial, replace(channel_trial, scope="global")]
    monkeypatch.setattr(Plan, "pending_trials", trials)
    assert [*trials_to_try(plan, sufficing=True).values()] == [floored, channel_trial]
    assert [*trials_to_try(plan).values()] == [free, floored, channel_trial]


def test_a_level_out_of_reach_is_refused_before_anything_is_trained_or_written(command, tmp_path):
    grid = (*RUN, "--granularities", "channel", "--levels", "0.3,0.999")
    told = refusal(command(*grid))
    assert "level 0.999 is out of reach: test_resnet at channel: up to 0." in told
    planned = command(*grid, "--dry-run")
    assert (planned.returncode, planned.stderr) == (2, told + "\n")
    assert "4 trials" in planned.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_plan_says_how_much_can_leave(command):
    grid = ("--models", "test_resnet", "--pruners", "taylor", "--granularities", "weight,channel")
    done = command("run", *grid, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "test_resnet at weight: up to 1.000 of macs can leave\n" in done.stdout
    assert "test_resnet at channel: up to 0.9" in done.stdout
