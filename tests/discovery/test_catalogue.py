"""What can be run: chosen by name, set to its argument, and told apart from what is missing."""

import pluggy
import pytest

from harness.discovery import hookspecs
from harness.discovery.catalogue import Broken, Catalogue, Offer, refuse_double
from harness.errors import HarnessError, NameCollisionError, UnknownNameError
from harness_plugins.schedules.iterative import Iterative
from harness_plugins.schedules.one_shot import OneShot
from tests.doubles import Nowhere


class Absent(Nowhere):
    name = "absent"

    def unavailable(self):
        return "no such chip"


def offer(kind, plugin):
    return Offer(kind=kind, name=plugin.name, distribution="d 1", description="", plugin=plugin)


MANAGER = pluggy.PluginManager(hookspecs.ENTRY_POINT_GROUP)
MANAGER.add_hookspecs(hookspecs)
CATALOGUE = Catalogue(
    offers=(
        offer("schedule", OneShot()),
        offer("schedule", Iterative()),
        offer("backend", Nowhere()),
        offer("backend", Absent()),
    ),
    broken=(Broken(name="spoilt", distribution="d 2", reason="SyntaxError"),),
    manager=MANAGER,
)


def test_what_is_missing_is_told_with_its_reason_and_is_not_available():
    assert CATALOGUE.missing() == [("spoilt", "d 2", "SyntaxError"), ("absent", "d 1", "no such chip")]
    assert [found.name for found in CATALOGUE.available()] == [
        "one_shot", Iterative().name, "nowhere",
    ]  # fmt: skip
    assert CATALOGUE.names("backend") == ["nowhere", "absent"]


def test_an_argument_sets_what_takes_one_and_twice_the_same_is_one():
    names = [schedule.name for schedule in CATALOGUE.choose("schedule", "iterative:0.2,iterative:20%")]
    assert names == ["iterative:0.2"]
    with pytest.raises(HarnessError, match="schedule 'one_shot' takes no argument"):
        CATALOGUE.configured("schedule", "one_shot", "3")


def test_one_is_asked_for_where_one_is_meant():
    assert CATALOGUE.choose_one("backend", "nowhere", option="--backend").name == "nowhere"
    with pytest.raises(HarnessError, match=r"--backend asks for one backend \(there are: nowhere, abs"):
        CATALOGUE.choose_one("backend", "all", option="--backend")
    with pytest.raises(UnknownNameError, match="did you mean 'nowhere'"):
        CATALOGUE.configured("backend", "nowher", None)


def test_a_name_belongs_to_one_distribution():
    refuse_double("model", "m", None, "a")
    with pytest.raises(NameCollisionError, match="two plugins offer model 'm': a and b"):
        refuse_double("model", "m", (object(), "a"), "b")


def test_nobody_who_listens_is_no_problem():
    assert CATALOGUE.announce({"key": "a"}) == []
    assert CATALOGUE.models("*") == []
