"""Levels as they are typed: fractions that leave, or times as fast."""

import pytest

from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.planning.axis_selection import checked_numbers, levels_of_speedups
from harness.runs.request import Request
from harness.training.recipe import Recipe


def test_a_speed_up_takes_the_rest_of_the_time_away():
    assert levels_of_speedups("4,2x") == (0.5, 0.75)


@pytest.mark.parametrize("text", ["1", "0.5", "inf", "nan"])
def test_what_is_no_speed_up_is_refused_with_an_example(text):
    with pytest.raises(HarnessError, match="a level is above 1, as 2 or 4x"):
        levels_of_speedups(text)


def test_a_speed_up_where_a_fraction_is_asked_for_is_told_the_way():
    with pytest.raises(HarnessError, match="'2x' is not a number; --target speedup:BACKEND takes it"):
        checked_numbers("levels", "2x", float)


def test_the_target_of_a_speed_up_is_the_time():
    request = Request(
        models="resnet18", dataset="digits", pruners="taylor", granularities="channel",
        scope="published", schedules="one_shot", levels="2,4", seeds="0", backends="eager_cpu",
        batch_sizes="1", threads=1, recipe=Recipe(), target="speedup:eager_cpu",
    )  # fmt: skip
    grid = request.grid(discover())
    assert (grid.quantity, grid.target_backend.name) == ("latency", "eager_cpu")
    assert grid.levels == (0.5, 0.75)
