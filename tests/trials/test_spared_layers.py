"""Which layers are pruned: by name or pattern, at every granularity, met with the others or refused."""

from dataclasses import replace

import pytest

from harness.discovery.loading import discover
from harness.errors import HarnessError, UnknownNameError
from harness.networks.layers import prunable_weights
from harness.runs.request import Request
from harness.training.recipe import Recipe
from harness.trials.snapshot import load_model
from harness.trials.spared_layers import named_layers
from harness_plugins.pruners.magnitude import GroupNorm, Magnitude
from harness_plugins.pruners.torch_prune import TorchPrune
from harness_plugins.schedules.iterative import Iterative
from tests.doubles import run_trial

REQUEST = Request(
    models="test_resnet", dataset="digits", pruners="random", granularities="channel",
    scope="published", schedules="one_shot", levels="0.5", seeds="0,1", backends="eager_cpu",
    batch_sizes="1", threads=1, recipe=Recipe(),
)  # fmt: skip
LAYERS = ["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer10.0.conv1", "fc"]


@pytest.mark.parametrize(
    ("patterns", "named"),
    [
        ("fc", {"fc"}),
        ("layer1", {"layer1.0.conv1", "layer1.0.conv2"}),
        ("layer1.*", {"layer1.0.conv1", "layer1.0.conv2"}),
        ("*.conv1, fc", {"layer1.0.conv1", "layer10.0.conv1", "fc"}),
        ("", set()),
    ],
)
def test_a_layer_is_named_by_its_name_or_by_what_it_is_in(patterns, named):
    assert named_layers(LAYERS, patterns) == named


def test_a_pattern_that_names_no_layer_is_an_error_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean 'conv1'"):
        named_layers(LAYERS, "fc,conv")


def pruned(trial, store, *, sparsity=0.3, **changes):
    """The level's result, and the layers of its model that lost anything, by name."""
    [level] = run_trial(replace(trial, levels=(sparsity,), **changes), store)
    if level.status != "ok":
        return level, set()
    dense = trial.dense.model.build(trial.dense.dataset)
    model = load_model(store.folder(level.snapshot), trial.dense.model, trial.dense.dataset)
    outputs = {name: len(weight) for name, weight in prunable_weights(dense).items()}
    lost = {
        name.removesuffix(".weight")
        for name, weight in prunable_weights(model).items()
        if len(weight) < outputs[name] or bool((weight == 0).any())
    }
    return level, lost


KINDS = [
    *(
        {"granularity": "weight", "scope": scope, "pruner": Magnitude("magnitude_l2", 2)}
        for scope in ("global", "local", "row", "erk")
    ),
    {"granularity": "block:2x2", "scope": "global", "pruner": Magnitude("magnitude_l2", 2)},
    {"granularity": "weight", "scope": "global", "pruner": TorchPrune().configured("L1Unstructured")},
    {"granularity": "channel", "scope": "global", "pruner": GroupNorm("group_norm_l2", 2)},
    {"granularity": "channel", "scope": "local", "pruner": GroupNorm("group_norm_l2", 2)},
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind['granularity']} {kind['scope']}")
def test_layers_that_are_kept_lose_nothing_and_the_others_meet_the_level(trial, trained, kind):
    level, lost = pruned(trial, trained, keep="third", **kind)
    assert level.reason == ""
    assert level.sparsity_reached >= 0.3 - 1e-6
    assert "third" not in lost
    assert lost
    every, all_lost = pruned(trial, trained, **kind)
    assert "third" in all_lost
    assert every.snapshot != level.snapshot


def test_only_the_named_layers_are_pruned_in_every_round(trial, trained):
    schedule = Iterative().configured("0.1")
    level, lost = pruned(trial, trained, sparsity=0.2, only="sec*", schedule=schedule)
    assert level.reason == ""
    assert level.sparsity_reached == pytest.approx(0.2, abs=1e-3)
    assert lost == {"second"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind['granularity']} {kind['scope']}")
def test_a_level_that_the_others_cannot_meet_is_skipped_with_the_reason(trial, trained, kind):
    level, _ = pruned(trial, trained, sparsity=0.9, only="classifier", **kind)
    assert level.status == "skipped"
    assert "--keep and --only" in level.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"keep": "layer9"}, "in test_resnet no layer is called 'layer9'"),
        ({"only": "fc", "keep": "fc"}, "no layer of test_resnet is left to prune"),
    ],
)
def test_wrong_patterns_are_refused_before_anything_trains(changes, reason):
    with pytest.raises(HarnessError, match=reason):
        replace(REQUEST, **changes).grid(discover())


def test_patterns_are_a_setting_of_trials_and_of_all_rows():
    plain, spared = (replace(REQUEST, keep=keep).grid(discover()) for keep in ("", "layer1"))
    keys = [[trial.key for trial in own.trials(own.dense_models())] for own in (plain, spared)]
    assert not {*keys[0]} & {*keys[1]}
    cells = [*spared.cells(spared.dense_models())]
    assert {cell.settings["keep"] for cell in cells} == {"layer1"}
