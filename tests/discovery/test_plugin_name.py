"""A plugin's name is one that a selection can pick."""

import pytest

from harness.discovery.plugin_name import name_problem


@pytest.mark.parametrize("name", ["taylor", "eager_cpu", "hfds/x", "resnet18.a1_in1k", "lottery:0.05"])
def test_names_of_built_in_plugins_are_fine(name):
    assert name_problem("pruner", name) is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("dense", "it is what the unpruned model is called"),
        ("all", "it is every plugin there is"),
        ("", "it needs at least a letter"),
        ("comma,name", "neither spaces nor any of"),
        ("x*", "neither spaces nor any of"),
        ("two words", "neither spaces nor any of"),
        ("bell\x07", "neither spaces nor any of"),
        (3, "it has to be a string"),
    ],
)
def test_others_are_refused_with_the_reason(name, sentence):
    assert sentence in name_problem("pruner", name)
