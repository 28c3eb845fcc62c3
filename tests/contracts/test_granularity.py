"""A granularity taken apart: what is scored, what may be compared, and what levels there are."""

import pytest

from harness.contracts.granularity import pattern
from harness.errors import HarnessError


@pytest.mark.parametrize(
    ("name", "scored", "levels"),
    [
        ("weight", "weight", None),
        ("channel", "channel", None),
        ("channel:8", "channel", None),
        ("2:4", "weight", (0.5,)),
        ("1:4", "weight", (0.75,)),
        ("block:4x2", "weight", None),
    ],
)
def test_a_criterion_scores_weights_or_channels_and_n_of_m_is_a_level_of_its_own(name, scored, levels):
    assert (pattern(name).name, pattern(name).scored, pattern(name).levels) == (name, scored, levels)


def test_numbers_are_read_where_they_stand():
    assert pattern("channel:16").multiple == 16
    assert pattern("block:4x2").block == (4, 2)
    assert pattern("3:8").n_of_m == (3, 8)
    assert pattern("channel").multiple == 1


def test_scores_compare_over_what_the_pattern_leaves_free():
    assert pattern("channel").scopes == ("global", "local", "isomorphic")
    assert pattern("weight").scopes == ("global", "local", "row", "erk")
    assert pattern("2:4").scopes == pattern("block:2x2").scopes == ("global", "local")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "4:4",
        "4:2",
        "0:4",
        "block",
        "block:0x2",
        "channel:-1",
        "weigh",
        "channel:0",
        f"2:{'9' * 5000}",
        f"block:{'9' * 5000}x1",
        f"channel:{'9' * 5000}",
    ],
)
def test_what_is_no_granularity_is_named_with_those_there_are(wrong):
    with pytest.raises(HarnessError, match=f"'{wrong}' is no granularity; there are weight, channel"):
        pattern(wrong)
