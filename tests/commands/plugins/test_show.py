"""`harness show` says of one plugin what it is, by which paper, and how it is used."""

import json

import pytest
from click.testing import CliRunner

from harness.commands.plugins._plugin_facts import EXAMPLES
from harness.commands.plugins.show import show
from harness.discovery.loading import KINDS
from tests.doubles import refusal


@pytest.fixture
def shown():
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(show, [*arguments], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    return run


def test_a_criterion_has_paper_formula_granularities_and_evidence(shown):
    text = shown("snip")
    assert "Keep weights whose removal moves the loss: |w g| (Lee 2019, eq. 4)" in text
    assert "weight (scope global), channel (scope global)" in text
    assert "gradients, weights" in text
    assert "harness run --models resnet18 --pruners snip,random" in text


def test_facts_are_there_for_programs(shown):
    [facts] = json.loads(shown("onnxruntime_cpu", "--json"))
    assert facts["kind"] == "backend"
    assert facts["here"] == "available"
    assert "LoadsFile" in facts["abilities"]


def test_a_model_goes_by_its_own_name(shown):
    assert "harness run --models resnet18" in shown("resnet18")


def test_one_that_needs_an_argument_says_so(shown):
    assert "needs one, as torch_prune:" in shown("torch_prune")


def test_there_is_an_example_of_each_kind():
    assert EXAMPLES.keys() == {*KINDS, "model"}


def test_a_pattern_shows_all_that_it_matches(shown):
    facts = json.loads(shown("magnitude_l*", "--json"))
    assert [fact["name"] for fact in facts] == ["magnitude_l1", "magnitude_l2"]


def test_an_unknown_name_is_answered_with_the_nearest(command):
    said = refusal(command("show", "tailor"))
    assert "no plugin is called 'tailor'; did you mean 'taylor'? (`harness list --json` shows" in said
