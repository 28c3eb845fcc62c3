"""The cross-product: which trials there are, which rows they owe, and under which keys."""

import json
import re
from dataclasses import replace

import pytest

from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.planning.axis_selection import checked_levels
from harness.planning.plan import make_plan
from harness.runs.request import Request, run_folder
from harness.storage.keys import measurement_key, trial_key
from harness.training.recipe import Recipe

REQUEST = Request(
    models="resnet18", dataset="digits", pruners="taylor,fpgm", granularities="all",
    scope="published", schedules="iterative,one_shot", levels="0.9,0.5", seeds="0,1",
    backends="eager_cpu", batch_sizes="1", threads=1, recipe=Recipe(),
)  # fmt: skip


def grid(**changes):
    return replace(REQUEST, **changes).grid(discover())


def test_every_combination_is_a_trial_and_every_level_on_a_backend_is_a_row():
    plan = make_plan(grid(), [])
    assert len(plan.trials) == 2 * 2 * 2 * 2, "pruners x granularities x schedules x seeds"
    assert len(plan.cells) == len(plan.trials) * 2 + 2, "two levels each, and dense for each seed"
    assert len({cell.key for cell in plan.cells}) == len(plan.cells)
    assert {trial.levels for trial in plan.trials} == {(0.5, 0.9)}


def test_one_schedule_written_twice_is_one():
    assert [s.name for s in grid(schedules="iterative:0.2,iterative:20%").schedules] == [
        "iterative:0.2"
    ]


def test_what_cannot_be_is_known_before_running():
    plan = make_plan(grid(), [])
    impossible = {(t.pruner.name, t.granularity): t.impossible for t in plan.trials if t.impossible}
    assert impossible == {("fpgm", "weight"): "fpgm is defined at granularity channel only"}
    assert len(plan.pending_trials) == 12


@pytest.mark.parametrize(
    ("columns", "pending"),
    [
        ({"status": "ok", "processes": 3, "steady": True}, False),
        ({"status": "ok", "processes": 1, "steady": True}, True),
        ({"status": "ok", "processes": 3, "steady": False}, True),
        ({"status": "skipped", "processes": None, "steady": None}, False),
        ({"status": "failed", "processes": None, "steady": None}, True),
    ],
)
def test_a_row_that_does_not_stand_is_owed_again(columns, pending):
    every = make_plan(grid(), []).cells
    rows = [{"key": cell.key, **columns} for cell in every]
    assert len(make_plan(grid(), rows, processes=3).pending) == (len(every) if pending else 0)


def test_every_model_and_seed_needs_a_dense_one():
    plan = make_plan(grid(models="resnet18,resnet34"), [])
    assert sorted(dense.label for dense in plan.needed_dense_models) == [
        "resnet18 dense seed 0", "resnet18 dense seed 1",
        "resnet34 dense seed 0", "resnet34 dense seed 1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "scopes"),
    [("published", {"global", "local"}), ("global", {"global"}), ("local", {"local"})],
)
def test_scores_compare_as_published_unless_told_otherwise(choice, scopes):
    found = grid(scope=choice, pruners="random")
    assert {trial.scope for trial in found.trials(found.dense_models())} == scopes


def trials(**changes):
    found = grid(seeds="0", **changes)
    return found.trials(found.dense_models())


def test_a_pattern_that_says_its_sparsity_has_that_level_and_no_scope():
    [trial] = trials(granularities="1:4", pruners="magnitude_l2", schedules="one_shot", scope="global")
    assert (trial.levels, trial.scope, trial.impossible) == ((0.75,), "local", None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"granularities": "channel", "scope": "row"},
            "at granularity channel, scope is one of global, ",
        ),
        ({"granularities": "block:2x2", "scope": "erk"}, "at granularity block:2x2, scope is one of"),
        ({"granularities": "weight", "scope": "isomorphic"}, "at granularity weight, scope is one of"),
        ({"granularities": "2:4", "schedules": "iterative:0.1"}, "2:4 leaves all at once, which iter"),
        ({"granularities": "2:4", "pruners": "fpgm"}, "fpgm is defined at granularity channel only"),
        (
            {"granularities": "channel", "pruners": "magnitude_l1"},
            "magnitude_l1 is defined at granularity weight only",
        ),
    ],
)
def test_what_does_not_go_together_is_known_before_running(changes, sentence):
    [trial] = trials(**{"pruners": "taylor", "schedules": "one_shot", **changes})
    assert trial.impossible.startswith(sentence)


def test_a_published_scope_that_a_pattern_does_not_have_is_the_layers():
    [trial] = trials(granularities="block:4x4", pruners="wanda", schedules="one_shot")
    assert (trial.scope, trial.impossible) == ("local", None)


def test_a_control_runs_wherever_its_schedule_does():
    names = [schedule.name for schedule in grid(schedules="lottery:0.05,one_shot").schedules]
    assert names == ["lottery:0.05", "lottery_redrawn:0.05", "one_shot"]


def test_what_a_level_is_a_fraction_of_tells_results_apart():
    grids = [grid(target="params"), grid(target="macs"), grid(target="latency:eager_cpu")]
    keys = [
        {cell.key for cell in g.cells([*g.dense_models(), *g.trials(g.dense_models())])} for g in grids
    ]
    assert len(set().union(*keys)) == sum(len(found) for found in keys)
    assert len({d.key for g in grids for d in g.dense_models()}) == len(grids[0].dense_models()), (
        "trained once"
    )


def test_a_level_of_latency_is_of_one_device_runtime_batch_size_and_thread_count():
    one, two = (grid(target="latency:eager_cpu", threads=count) for count in (1, 2))
    [first, second] = (g.trials(g.dense_models())[0] for g in (one, two))
    assert first.key != second.key
    assert first.settings["target"] == "latency:eager_cpu"
    assert first.settings["clock"].endswith("batch 1, 1 threads")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("mac", "no target is called 'mac'; did you mean 'macs'?"),
        ("latency", "asks for one backend (there are: compiled_cpu, "),
        ("latency:*", "asks for one backend"),
        ("latency:eager_gpu", "no backend is called 'eager_gpu'"),
        ("macs:eager_cpu", "no target is called 'macs:eager_cpu'"),
    ],
)
def test_a_target_that_is_none_is_named(target, message):
    with pytest.raises(HarnessError, match=re.escape(message)):
        grid(target=target)


def test_keys_do_not_depend_on_the_order_of_typing():
    one, two = grid(), grid(pruners="fpgm,taylor", levels="0.5,0.9", seeds="1,0")
    keys = [{cell.key for cell in g.cells(g.trials(g.dense_models()))} for g in (one, two)]
    assert keys[0] == keys[1]


def test_a_row_and_a_plan_give_the_same_keys():
    found = grid()
    for cell in found.cells(found.trials(found.dense_models())):
        row = json.loads(json.dumps(cell.settings))
        assert trial_key(row) == cell.subject.key
        assert measurement_key(row) == cell.key


def test_keys_of_the_first_release_still_hold():
    settings = {
        "model": "resnet18", "model_hash": "01", "dataset": "digits", "dataset_hash": "23",
        "data_hash": "45", "seed": 0, "recipe": 1, "dense_epochs": 12.0, "finetune_epochs": 2.0,
        "train_batch": 64, "optimizer": "sgd", "dense_lr": 0.1, "finetune_lr": 0.02,
        "weight_decay": 5e-4, "augmented": True, "pruner": "fpgm", "pruner_hash": "67",
        "granularity": "channel", "scope": "local", "schedule": "one_shot", "schedule_hash": "89",
    }  # fmt: skip
    key = "resnet18-digits-fpgm-channel-local-one_shot-s0-5c30ee7675c0"
    assert trial_key(settings) == key
    measured = {
        "trial": key, "sparsity": 0.5, "backend": "eager_cpu", "batch": 1, "threads": 1,
        "device": "a processor", "runtime": "torch 2.14.0",
    }  # fmt: skip
    assert measurement_key(measured) == f"{key}@0.5-eager_cpu-b1-t1-ee04f95a8fe1"


@pytest.mark.parametrize(
    "change", [{"finetune_lr": 0.1}, {"schedule_hash": "other"}, {"data_hash": "other"}, {"seed": 9}]
)
def test_whatever_can_change_a_snapshot_changes_its_key(trial, change):
    assert trial_key({**trial.settings, **change}) != trial.key


def test_a_key_never_becomes_a_path_out_of_the_folder(trial):
    hostile = trial_key({**trial.settings, "pruner": "../../etc/passwd\n<b>"})
    assert "/" not in hostile
    assert "\n" not in hostile


@pytest.mark.parametrize("wrong", ["0", "1", "1.5", "-0.1", "nan"])
def test_a_level_outside_its_range_is_named(wrong):
    with pytest.raises(HarnessError, match=f"above 0 and below 1, not {wrong}"):
        checked_levels([0.5, float(wrong)])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"levels": "0.5,half"}, "--levels: 'half' is not a number"),
        ({"seeds": "-1"}, "--seeds: -1 is not from 0 to 4294967295"),
        ({"batch_sizes": "0"}, "--batch-sizes: 0 is not from 1 to 65536"),
        ({"granularities": "chanel"}, "did you mean 'channel'"),
        ({"granularities": "4:2"}, "'4:2' is no granularity; there are weight, channel, channel:M"),
        ({"granularities": "block:4"}, "'block:4' is no granularity"),
        ({"granularities": "channel:0"}, "'channel:0' is no granularity"),
        ({"granularities": "channel:ethos_u5"}, "'ethos_u5'; did you mean 'ethos_u"),
        ({"schedules": "lottery:2"}, "lottery takes where in dense training to rewind to"),
        ({"schedules": "agp:0"}, "agp takes the number of rounds, as 4, not '0'"),
        ({"schedules": "rigl:x"}, "rigl takes after how many steps masks move, as 100, not 'x'"),
        ({"schedules": "rate_rewinding:1"}, "rate_rewinding takes a place in dense training"),
        ({"pruners": "slimming:0"}, "slimming takes the penalty's strength, as 1e-4, not '0'"),
        ({"models": "resnet81"}, "no model is called 'resnet81'; did you mean 'resnet"),
        ({"dataset": "digits,folder"}, "no dataset is called|one dataset"),
        ({"dataset": "digits:8"}, "takes no argument"),
        ({"schedules": "iterative:2"}, "iterative takes the fraction"),
        ({"seeds": "0.5"}, "'0.5' is not a whole number"),
        ({"models": "resnet18:x"}, "model 'resnet18' takes no argument"),
        ({"pruners": ","}, "chooses no pruner"),
    ],
)
def test_a_wrong_request_is_told_in_one_sentence(changes, sentence):
    with pytest.raises(HarnessError, match=sentence):
        grid(**changes)


@pytest.mark.parametrize(
    ("source", "reason", "pending"),
    [
        ("", "no meter was asked for", True),
        ("measured:rapl", "", False),
        ("", "rapl told nothing", False),
    ],
)
def test_timed_rows_are_owed_again_where_energy_is_asked_for_the_first_time(source, reason, pending):
    every = make_plan(grid(), []).cells
    told = {"status": "ok", "processes": 3, "steady": True, "rounds": 50}
    told |= {"energy_source": source, "energy_reason": reason}
    rows = [{"key": cell.key, **told} for cell in every]
    assert len(make_plan(grid(), rows, metered=True).pending) == (len(every) if pending else 0)
    assert make_plan(grid(), rows).pending == ()


def test_channels_can_be_kept_in_the_multiple_that_a_backend_computes():
    assert grid(granularities="channel:ethos_u55").granularities == ["channel:16"]
    assert grid(granularities="channel:litert_cpu,channel:8,weight").granularities == [
        "weight",
        "channel:8",
    ]


def test_the_run_folder_is_named_after_models_and_data(tmp_path):
    assert run_folder(grid(), None).as_posix() == "results/resnet18-digits"
    assert run_folder(grid(models="resnet18,resnet34"), None).name == "resnet18_resnet34-digits"
    assert run_folder(grid(), tmp_path) == tmp_path


def test_a_floor_is_of_channels_unless_it_is_asked_for():
    def floors(**changes):
        chosen = grid(granularities="weight,channel,2:4", schedules="one_shot", **changes)
        return {(t.granularity, t.layer_floor) for t in make_plan(chosen, []).trials}

    assert floors() == {("weight", 0.0), ("channel", 0.1), ("2:4", 0.0)}
    assert floors(layer_floor=0.2) == {("weight", 0.2), ("channel", 0.2), ("2:4", 0.0)}
    assert floors(layer_floor=0.0) == {("weight", 0.0), ("channel", 0.0), ("2:4", 0.0)}


def test_seeds_are_stages_and_each_trains_the_next_one_s_dense_models_beside_its_own():
    plan = make_plan(grid(), [])
    first, second = plan.stages()
    assert {cell.dense.seed for cell in first.pending} == {0}
    assert {cell.dense.seed for cell in second.pending} == {1}
    assert len(first.pending) + len(second.pending) == len(plan.pending)
    assert [dense.seed for dense in first.ahead] == [1]
    assert second.ahead == ()
    assert first.cells == plan.cells, "the whole grid, of which a stage is owed a part"


def test_a_finished_grid_has_no_stages():
    every = make_plan(grid(), [])
    rows = [{"key": cell.key, "status": "skipped"} for cell in every.cells]
    assert make_plan(grid(), rows).stages() == []
