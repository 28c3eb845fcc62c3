"""Promises are told before they are tried, and whatever a plugin raises is one sentence."""

from unittest import SkipTest

import pytest

from harness.contracts.abilities import ABILITIES
from harness.contracts.pruners import Rewrites
from harness.errors import HarnessError
from harness.testing.example_rows import EXAMPLE_RUN, example_rows
from harness.testing.promises import keep
from tests.doubles import ROOT


def promises(error=None):
    yield "it is kind"
    if error:
        raise error
    yield "it is quick"
    return (Rewrites,)


def test_kept_promises_return_the_abilities():
    assert keep(promises()) == (Rewrites,)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (IndexError("too far"), "it is kind: IndexError: too far"),
        (HarnessError("no such thing"), "^it is kind: no such thing$"),
        (SystemExit(3), "it is kind: SystemExit: 3"),
        (AssertionError("a sentence of the kit"), "^a sentence of the kit$"),
    ],
)
def test_what_is_raised_becomes_an_assertion_that_names_the_promise(error, sentence):
    with pytest.raises(AssertionError, match=sentence):
        keep(promises(error))


def test_what_this_machine_cannot_tell_is_skipped():
    with pytest.raises(SkipTest, match="no such device"):
        keep(promises(SkipTest("no such device")))


def test_example_rows_are_of_the_committed_run():
    published = (ROOT / "results" / "regression" / "rows.jsonl").read_text().splitlines()
    assert {*(EXAMPLE_RUN / "rows.jsonl").read_text().splitlines()} <= {*published}
    assert {row["status"] for row in example_rows()} == {"ok", "skipped"}


def test_every_kind_has_its_abilities():
    assert all(isinstance(offered, tuple) for offered in ABILITIES.values())
