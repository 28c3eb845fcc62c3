"""One rule picks names on every axis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.discovery.selection import parse_selection, selected_names
from harness.errors import HarnessError, UnknownNameError

NAMES = ["magnitude_l1", "magnitude_l2", "random", "snip"]


def names(terms: str) -> list[str]:
    return [name for name, _ in parse_selection(terms, NAMES, kind="pruner")]


@pytest.mark.parametrize(
    ("terms", "picked"),
    [
        ("all", NAMES),
        ("snip", ["snip"]),
        ("snip, random", ["random", "snip"]),
        ("magnitude_*", ["magnitude_l1", "magnitude_l2"]),
        ("magnitude_l?", ["magnitude_l1", "magnitude_l2"]),
        ("!random", ["magnitude_l1", "magnitude_l2", "snip"]),
        ("all,!magnitude_*", ["random", "snip"]),
        ("snip,snip", ["snip"]),
    ],
)
def test_terms(terms, picked):
    assert names(terms) == picked


SOME = st.lists(st.sampled_from(NAMES), min_size=1)
"""Names, some of them perhaps twice."""


@given(SOME, st.randoms(use_true_random=False))
def test_names_are_picked_once_each_in_the_order_there_is_whatever_was_typed(some, random):
    assert names(",".join(some)) == [name for name in NAMES if name in some]
    shuffled = random.sample(some, len(some))
    assert names(" , ".join(shuffled)) == names(",".join(some))


@given(SOME, SOME)
def test_what_is_left_out_is_left_out_wherever_it_is_said(some, others):
    left = [name for name in NAMES if name in some and name not in others]
    positive, negative = some, [f"!{name}" for name in others]
    for terms in ([*positive, *negative], [*negative, *positive]):
        if left:
            assert names(",".join(terms)) == left
        else:
            with pytest.raises(HarnessError, match="leaves no pruner"):
                names(",".join(terms))


@given(st.text(alphabet="abcdefgh*?!:,_", max_size=8))
def test_whatever_is_typed_picks_something_or_says_why_not(terms):
    picked, why = [], ""
    try:
        picked = names(terms)
    except HarnessError as error:
        why = str(error)
    assert set(picked) <= set(NAMES)
    assert bool(picked) != ("pruner" in why)


def test_an_argument_goes_with_its_name():
    assert parse_selection("iterative:0.2,iterative", ["iterative", "one_shot"], kind="schedule") == [
        ("iterative", "0.2"),
        ("iterative", None),
    ]


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no pruner is called 'magnitude'.*'magnitude_l"):
        names("magnitude")


def test_a_misspelt_exclusion_is_an_error_too():
    with pytest.raises(UnknownNameError, match="'ramdom'; did you mean 'random'"):
        names("all,!ramdom")


@pytest.mark.parametrize("nothing", ["", ",", " , "])
def test_an_empty_selection_is_not_everything(nothing):
    with pytest.raises(HarnessError, match="chooses no pruner"):
        names(nothing)


def test_an_argument_where_none_is_taken_is_refused():
    with pytest.raises(HarnessError, match="granularity 'channel' takes no argument"):
        selected_names("channel:2", ["weight", "channel"], kind="granularity")


def test_nothing_left_is_an_error():
    with pytest.raises(HarnessError, match="leaves no pruner"):
        names("snip,!snip")
