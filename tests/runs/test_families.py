"""Of a module of timm the smallest architecture, without those that are for its own tests."""

from harness.runs.families import smallest_of, stated_side


def test_the_smallest_of_a_module_is_found_by_its_parameters():
    assert smallest_of("sknet") == "skresnet18"


def test_what_is_for_tests_is_not_taken():
    assert smallest_of("mambaout") == "mambaout_femto"


def test_a_module_of_large_ones_has_none():
    assert smallest_of("pnasnet") is None


def test_timm_states_the_images_that_an_architecture_is_for():
    assert stated_side("crossvit_tiny_240") == 240
    assert stated_side("of nobody") is None
