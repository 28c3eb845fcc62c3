"""What a stranger's schedule returns is rounds that end at the level, or the reason of its own rows."""

from itertools import count, repeat

import pytest

from harness.contracts.schedule_rounds import rounds_of
from harness.contracts.schedules import Round
from harness.errors import HarnessError

END = Round(sparsity=0.5, share=1.0)


class Returns:
    name = "stranger"

    def __init__(self, rounds):
        self._rounds = rounds

    def rounds(self, target):
        return self._rounds


def test_rounds_that_end_at_the_level_are_taken_whatever_holds_them():
    first = Round(sparsity=0.2, share=0.5)
    assert rounds_of(Returns(iter([first, END])), 0.5) == (first, END)


@pytest.mark.parametrize(
    ("rounds", "sentence"),
    [
        (["a", "b"], "a round is a harness.Round, not 'a'"),
        ([0.5], r"a round is a harness.Round, not 0\.5"),
        ([], r"does not end at 0\.5"),
        ([Round(sparsity=0.4, share=1.0)], r"does not end at 0\.5"),
        (repeat(END), "has more than 1000 rounds"),
        (count(), "a round is a harness.Round, not 0"),
    ],
)
def test_what_are_no_rounds_is_named(rounds, sentence):
    with pytest.raises(HarnessError, match=f"schedule 'stranger'.*{sentence}"):
        rounds_of(Returns(rounds), 0.5)


STRANGER = """
import harness

class Words:
    name = "words"

    def rounds(self, target):
        return ["a", "b"]

@harness.hookimpl
def harness_schedules():
    return [Words()]
"""


def test_a_schedule_of_no_rounds_costs_no_other_its_plan(command, tmp_path):
    (tmp_path / "words.py").write_text(STRANGER)
    done = command(
        "run", "--plugin=words.py", "--models=test_resnet", "--pruners=random", "--levels=0.5",
        "--granularities=channel", "--schedules=words,one_shot", "--target=params", "--dry-run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"words", "one_shot"} <= {*done.stdout.split()}
