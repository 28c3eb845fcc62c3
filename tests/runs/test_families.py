"""Of a module of timm the smallest architecture, without those that are for its own tests."""

import pytest

from harness.engines.engine import Outcome
from harness.errors import HarnessError
from harness.runs.families import smallest_by_module, smallest_of, stated_side


def test_the_smallest_of_a_module_is_found_by_its_parameters():
    assert smallest_of("sknet") == "skresnet18"


def test_what_is_for_tests_is_not_taken():
    assert smallest_of("mambaout") == "mambaout_femto"


def test_a_module_of_large_ones_has_none():
    assert smallest_of("pnasnet") is None


def test_timm_states_the_images_that_an_architecture_is_for():
    assert stated_side("crossvit_tiny_240") == 240
    assert stated_side("of nobody") is None


def test_a_module_without_a_small_one_is_left_out():
    sizings = {"sknet": Outcome(value="skresnet18"), "pnasnet": Outcome[str | None](value=None)}

    assert smallest_by_module(sizings) == {"sknet": "skresnet18"}


def test_a_module_that_was_not_sized_is_named_and_no_list_is_made():
    sizings = {
        "sknet": Outcome[str | None](value="skresnet18"),
        "pnasnet": Outcome[str | None](failure="took more than 600 s"),
    }

    with pytest.raises(HarnessError, match="could not all be sized: pnasnet: took more than 600 s"):
        smallest_by_module(sizings)
