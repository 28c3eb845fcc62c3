"""What the kit asks of a plugin that takes an argument."""

from dataclasses import dataclass, replace

import pytest

import harness
from harness.testing.arguments import ready
from harness.testing.schedules import check_schedule


@dataclass(frozen=True)
class Stretched:
    """A schedule that takes a number; what the broken ones below start from."""

    rounds_to_take: int = 2
    name: str = "stretched"

    def configured(self, argument):
        allowed = (1.0, 2.0, 4.0)
        takes = "stretched takes 1, 2 or 4 rounds, as 2"
        count = int(harness.number_from(argument, lambda number: number in allowed, takes=takes))
        return replace(self, rounds_to_take=count, name=f"stretched:{count}")

    def rounds(self, target):
        count = self.rounds_to_take
        levels = [target * turn / count for turn in range(1, count + 1)]
        return [harness.Round(sparsity=level, share=1 / count) for level in levels]


class Trusting(Stretched):
    def configured(self, argument):
        return replace(self, name=f"stretched:{int(argument)}")


class Nameless(Stretched):
    def configured(self, argument):
        return replace(super().configured(argument), name="stretched")


class Renaming(Stretched):
    def configured(self, argument):
        return replace(super().configured(argument), name=argument)


class Credulous(Stretched):
    """Takes whatever it is given for its default."""

    def configured(self, argument):
        return self


class Itself:
    """Changes itself instead of a copy."""

    def __init__(self):
        self.name = "itself"

    def rounds(self, target):
        return [harness.Round(sparsity=target, share=1.0)]

    def configured(self, argument):
        if argument != "4":
            raise harness.HarnessError(f"itself takes 4, not {argument!r}")
        self.name = "itself:4"
        return self


class Broken(Stretched):
    """Sound until it is configured."""

    def configured(self, argument):
        return Undershooting(name=super().configured(argument).name)


class Undershooting(Stretched):
    def rounds(self, target):
        return [harness.Round(sparsity=target / 2, share=1.0)]


class Needy(Stretched):
    """Needs an argument and shows none."""

    needs_argument = ""


class Helpless:
    """Needs an argument that it cannot take."""

    name, needs_argument = "helpless", "4"

    def rounds(self, target):
        return [harness.Round(sparsity=target, share=1.0)]


class Reserved(Stretched):
    @property
    def name(self):
        return "dense"


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Trusting(), "a wrong argument is a HarnessError, not ValueError"),
        (Nameless(), "set to '4' is called 'stretched': its name must include the argument"),
        (Renaming(), "set to '4' is called '4': its name must include the argument"),
        (Credulous(), "set to 'no such argument' is called 'stretched'"),
        (Itself(), "`configured` must return a copy and leave the plugin alone"),
        (Broken(), "stretched:4 at 0.1: the last must be the target"),
    ],
)
def test_a_plugin_that_mistakes_its_argument_is_told_so(broken, sentence):
    assert check_schedule(Stretched(), argument="4") == (harness.Configurable,)
    with pytest.raises(AssertionError, match=sentence):
        check_schedule(broken, argument="4")


@pytest.mark.parametrize("broken", [Needy(), Helpless()])
def test_a_plugin_that_needs_an_argument_shows_one_and_takes_it(broken):
    with pytest.raises(AssertionError, match="`needs_argument` shows one, and `configured` takes it"):
        check_schedule(broken)


def test_a_plugin_that_takes_no_argument_is_given_none():
    with pytest.raises(AssertionError, match="undershooting takes no argument"):
        check_schedule(Once("undershooting"), argument="4")


@dataclass(frozen=True)
class Once:
    name: str

    def rounds(self, target):
        return [harness.Round(sparsity=target, share=1.0)]


def test_a_class_is_no_plugin():
    with pytest.raises(AssertionError, match="is a class: give the kit what a hook offers"):
        check_schedule(Once)


def test_the_unpruned_models_name_is_taken():
    with pytest.raises(AssertionError, match="'dense' is no name for a schedule"):
        check_schedule(Once("dense"))


@pytest.mark.parametrize(("argument", "number"), [("0.5", 0.5), ("1e-3", 0.001), (" 2 ", 2.0)])
def test_a_number_is_read_from_an_argument(argument, number):
    assert harness.number_from(argument, lambda _: True, takes="it takes a number") == number


@pytest.mark.parametrize("argument", ["", "much", "nan", "inf", "-1"])
def test_what_is_no_allowed_number_is_refused_in_the_plugins_words(argument):
    with pytest.raises(harness.HarnessError, match=f"it takes a size, as 3, not '{argument}'"):
        harness.number_from(argument, lambda size: size > 0, takes="it takes a size, as 3")


def test_a_choice_that_is_none_is_named_beside_those_that_there_are():
    assert harness.choice_from("fast", ("fast", "slow"), of="engine") == "fast"
    with pytest.raises(harness.HarnessError, match="engine:lazy: there are fast, slow"):
        harness.choice_from("lazy", ("fast", "slow"), of="engine")


def test_a_plugin_is_made_ready_as_a_worker_receives_it():
    plain, abilities = ready(Stretched(), harness.Schedule, argument=None)
    assert (plain.name, abilities) == ("stretched", (harness.Configurable,))
    set_to_four, _ = ready(Stretched(), harness.Schedule, argument="4")
    assert (set_to_four.name, len(set_to_four.rounds(0.8))) == ("stretched:4", 4)


class Example(Stretched):
    needs_argument = "2"


def test_a_plugin_that_needs_an_argument_is_set_to_its_example_unless_it_has_one():
    shown, _ = ready(Example(), harness.Schedule, argument=None)
    given, _ = ready(Example().configured("4"), harness.Schedule, argument=None)
    assert (shown.name, given.name) == ("stretched:2", "stretched:4")
