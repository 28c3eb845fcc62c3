"""What is cut at rising levels and in two rounds is read back and counted."""

from dataclasses import replace

import pytest

from harness.errors import HarnessError
from harness.runs._level_cuts import LevelCuts, check_level_cuts, target_search
from harness.training.sampling import example_batch
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.timm import TimmModel
from harness_plugins.pruners.magnitude import GroupNorm

DATASET, MODEL = Digits(), TimmModel("test_resnet")


@pytest.fixture
def cuts():
    model, example = MODEL.build(DATASET).eval(), example_batch(DATASET, 2)
    return LevelCuts(
        pruner=GroupNorm("group_norm_l2", 2),
        model=model,
        example=example,
        search=target_search(model, example, "channel"),
    )


def left(cuts, removal):
    return cuts.search.fraction_left(removal.model)


def test_a_second_round_goes_on_from_what_the_first_left(cuts):
    first = cuts.at(0.1)
    second = cuts.going_on(first, 0.5)
    assert 0.5 >= left(cuts, second) > 0.4
    assert left(cuts, first) > 0.85


def test_what_leaves_at_most_bounds_the_highest_level(cuts):
    reach = cuts.within_reach(1.0)
    assert 0.9 < reach < 0.95, "a channel of each layer stays"
    assert cuts.within_reach(0.9) == 0.9


def test_cuts_that_are_read_back_pass(cuts):
    check_level_cuts(cuts, cuts.at(0.5), MODEL, DATASET)


def test_a_level_that_leaves_as_many_numbers_as_the_one_below_is_told(cuts):
    with pytest.raises(HarnessError, match="rising levels leave"):
        check_level_cuts(cuts, cuts.at(0.1), MODEL, DATASET)


def test_a_cut_that_its_history_does_not_make_again_is_told(cuts):
    half = cuts.at(0.5)
    with pytest.raises(HarnessError, match="test_resnet cannot be read back"):
        check_level_cuts(cuts, replace(half, cut=half.cut[:-1]), MODEL, DATASET)
