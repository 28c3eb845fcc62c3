"""Plugins found through entry points: all listed, the broken ones apart, and fast."""

import subprocess
import sys

import pytest

from harness.discovery.loading import discover
from harness.errors import HarnessError, NameCollisionError, UnknownNameError
from harness.machine.local_devices import local_device

PRUNER = """
import harness

class Named:
    '''One line on what it does.'''
    name = {name!r}
    def score(self, evidence):
        return {{}}

@harness.hookimpl
def harness_pruners():
    return [Named()]
"""


def test_a_plugin_is_found_with_its_distribution_and_description(installed):
    installed("stranger-one", PRUNER.format(name="novel"))
    [offer] = [offer for offer in discover().offers if offer.name == "novel"]
    assert (offer.kind, offer.distribution, offer.description) == (
        "pruner", "stranger-one 1.0", "One line on what it does.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_library_that_is_not_here", "ModuleNotFoundError: No module named"),
        ("raise SystemExit('leaving')", "SystemExit: leaving"),
        (
            "import harness\n@harness.hookimpl\ndef harness_pruner(): ...",
            "did you mean 'harness_pruners'",
        ),
        ("import harness\n@harness.hookimpl\ndef harness_pruners(more): ...", "'more'"),
        ("import harness\n@harness.hookimpl\ndef harness_pruners():\n  return [1]", "int is no pruner"),
        ("import harness\n@harness.hookimpl\ndef harness_pruners():\n  1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_broken_plugin_costs_nobody_else_and_says_why(installed, source, reason):
    installed("stranger-broken", source)
    catalogue = discover()
    [broken] = catalogue.broken
    assert reason in broken.reason
    assert broken.distribution == "stranger-broken 1.0"
    assert "magnitude_l2" in catalogue.names("pruner")


def test_one_name_from_two_distributions_is_an_error_naming_both(installed):
    installed("stranger-two", PRUNER.format(name="snip"))
    with pytest.raises(NameCollisionError, match=r"'snip': pruning-harness .* and stranger-two 1\.0"):
        discover()


def test_every_timm_architecture_is_offered():
    import timm

    offered = {model.name for model in discover().models("*")}
    assert offered - set(timm.list_models()) == {f"cifar_resnet{n}" for n in (20, 32, 44, 56, 110)}
    assert set(timm.list_models()) < offered


def test_models_are_chosen_by_pattern_and_exclusion():
    chosen = [model.name for model in discover().choose_models("resnet1*,!resnet14*")]
    assert "resnet18" in chosen
    assert not any(name.startswith("resnet14") for name in chosen)


def test_a_misspelt_model_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'resnet"):
        discover().choose_models("resnte18")


def test_an_argument_goes_to_plugins_that_take_one():
    [schedule] = discover().choose("schedule", "iterative:0.2")
    assert schedule.name == "iterative:0.2"
    with pytest.raises(HarnessError, match="'one_shot' takes no argument"):
        discover().choose("schedule", "one_shot:3")


def test_listing_imports_neither_torch_nor_anything_slow():
    code = (
        "import sys, harness.commands.plugins.list as verb; "
        "verb.list_plugins.callback(kind=None, as_json=False, plugin=''); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    slow = {"torch", "timm", "pandas", "sklearn", "onnxruntime", "vl_convert", "scipy", "cpuinfo"}
    assert "harness.commands.plugins.list" in done.stderr.split()
    assert not set(done.stderr.split()) & slow


def test_listeners_hear_of_rows_and_their_errors_cost_nothing(installed, tmp_path):
    heard = tmp_path / "heard"
    installed(
        "stranger-listener",
        f"import harness, pathlib\n@harness.hookimpl\ndef harness_row_written(row):\n"
        f"    pathlib.Path({str(heard)!r}).write_text(row['key'])\n    raise RuntimeError('tired')\n",
    )
    [problem] = discover().announce({"key": "a"})
    assert heard.read_text() == "a"
    assert "stranger-listener:plugin_stranger_listener: RuntimeError: tired" in problem


BACKEND = """
import harness

class Odd:
    '''A backend.'''
    name = "odd"
    def unavailable(self):
        {unavailable}
    def describe(self):
        return {facts}
    def prepare(self, model, example):
        return model

@harness.hookimpl
def harness_backends():
    return [Odd()]
"""


@pytest.mark.parametrize(
    ("unavailable", "facts", "reason"),
    [
        ("1 / 0", {}, "ZeroDivisionError: division by zero"),
        ("return None", {}, "names no device and runtime"),
        ("return 'no chip'", {}, "no chip"),
    ],
)
def test_a_backend_whose_questions_fail_is_unavailable(installed, unavailable, facts, reason):
    installed("stranger-backend", BACKEND.format(unavailable=unavailable, facts=facts))
    odd = discover().configured("backend", "odd", None)
    assert reason in (local_device(odd).reason or "")


def test_models_that_cannot_be_offered_are_a_warning_and_the_others_are_there(installed):
    installed("stranger-models", "import harness\n@harness.hookimpl\ndef harness_models(): return []\n")
    with pytest.warns(UserWarning, match="stranger-models:plugin_stranger_models offers no models"):
        assert [model.name for model in discover().choose_models("resnet18")] == ["resnet18"]


def test_the_name_of_the_unpruned_model_is_reserved(installed):
    installed("stranger-dense", PRUNER.format(name="dense"))
    [broken] = discover().broken
    assert "'dense' is no name for a pruner: it is what the unpruned model is called" in broken.reason


@pytest.mark.parametrize(
    "name", ["", "two words", "comma,name", "x*", "all", "with:argument", "!not", "../evil"]
)
def test_a_name_that_no_selection_could_pick_is_refused(installed, name):
    installed("stranger-name", PRUNER.format(name=name))
    [broken] = discover().broken
    assert repr(name) in broken.reason
