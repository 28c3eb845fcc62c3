"""A group that would be followed without end is stopped by the width of layers, or by steps."""

from types import SimpleNamespace

import pytest

from harness.networks._group_bounds import LEAST_STEPS, BoundedMappings, GroupBounds


def indices(*numbers):
    return [SimpleNamespace(idx=number) for number in numbers]


def gone_through(mappings, given):
    for mapping in mappings:
        given = mapping(given)
    return [index.idx for index in given]


def shifted(given):
    return indices(*(index.idx + 2 for index in given))


def test_mappings_are_gone_through_without_those_that_are_none():
    bounds = GroupBounds(widest=8, dependencies=10)
    assert gone_through(BoundedMappings([None, shifted], bounds), indices(0, 3)) == [2, 5]


@pytest.mark.parametrize("given", [indices(6), indices(0, 1, 2, 3, 4, 5, 0, 1, 2)])
def test_channels_that_no_layer_has_are_no_group(given):
    with pytest.raises(ValueError, match="channels that no layer has"):
        gone_through(BoundedMappings([shifted], GroupBounds(widest=8, dependencies=10)), given)


def test_circles_end_and_the_next_group_begins_anew():
    bounds = GroupBounds(widest=8, dependencies=2)
    mappings = BoundedMappings([None], bounds)
    for _ in range(2):
        bounds.begin()
        for _ in range(LEAST_STEPS + 6):
            gone_through(mappings, indices(0))
    with pytest.raises(ValueError, match="leads in circles"):
        gone_through(mappings, indices(0))
