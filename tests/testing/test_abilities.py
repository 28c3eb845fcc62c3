"""What the kit recognises of a plugin, and the attributes that it takes for misspelt ones."""

from dataclasses import dataclass
from inspect import getmembers

import pytest

import harness
from harness import contracts
from harness.contracts import backends, converters, data, meters, options, pruners, reporters, schedules
from harness.contracts.abilities import ABILITIES
from harness.contracts.converters import Format
from harness.testing.abilities import attributes_of, recognised_abilities
from harness.testing.pruners import check_pruner
from tests.testing.processor import Processor

MODULES = (backends, converters, data, meters, options, pruners, reporters, schedules)


@dataclass(frozen=True)
class Magnitude:
    """A criterion with an ability; what the broken ones below start from."""

    name: str = "magnitude"
    granularities: tuple[str, ...] = ("weight",)

    def score(self, evidence):
        return {name: weight.abs() for name, weight in evidence.weights.items()}


def test_abilities_are_printed_and_returned(capsys):
    assert check_pruner(Magnitude()) == (harness.PrunesOnly,)
    assert "magnitude: recognised abilities: PrunesOnly" in capsys.readouterr().out


def test_a_plugin_without_abilities_is_told_that_it_has_none(capsys):
    class Plain:
        name, score = "plain", Magnitude.score

    assert recognised_abilities(Plain(), harness.Pruner, name="plain") == ()
    assert "plain: recognised abilities: none" in capsys.readouterr().out


class Peak(Processor):
    def peak_mac(self, threads):
        return 1e9


class Multiples(Processor):
    channel_multiples = 8


class Early:
    name, start_at = "early", 0.0

    def rounds(self, target):
        return [harness.Round(sparsity=target, share=1.0)]


class Scores:
    name = "scores"

    def scores(self, evidence):
        return {}


class Scopes(Magnitude):
    scope = "local"


@pytest.mark.parametrize(
    ("broken", "kind", "sentence"),
    [
        (Peak(), harness.Backend, "'peak_mac' is no ability's, but resembles 'peak_macs' of Bounded"),
        (Multiples(), harness.Backend, "'channel_multiples' .* 'channel_multiple' of PrefersMultiple"),
        (Early(), harness.Schedule, "'start_at' .* resembles 'starts_at' of StartsEarly"),
        (Scores(), harness.Pruner, "'scores' .* resembles 'score' of Pruner"),
        (Scopes(), harness.Pruner, "'scope' .* resembles 'scopes' of Scoped"),
    ],
)
def test_an_attribute_that_resembles_an_abilitys_is_named_with_it(broken, kind, sentence):
    with pytest.raises(AssertionError, match=sentence):
        recognised_abilities(broken, kind, name="broken")


class Masked(Magnitude):
    """Has the ability that its helper resembles, so the helper is one."""

    def masks(self, evidence, sparsity):
        return {}

    def mask(self, weight):
        return weight != 0


def test_a_helper_beside_the_ability_is_no_near_miss():
    found = recognised_abilities(Masked(), harness.Pruner, name="masked")
    assert found == (harness.PrunesOnly, harness.MakesMasks)


class Loads:
    name = "loads"

    unavailable, describe = Processor.unavailable, Processor.describe

    def load(self, file):
        return None


class Penalising(Magnitude):
    def penalty(self, trained):
        return 0.0


class Nameless:
    def score(self, evidence):
        return {}


class Constant(Magnitude):
    rewrite = "never"


@pytest.mark.parametrize(
    ("broken", "kind", "sentence"),
    [
        (Loads(), harness.Backend, "load alone is not LoadsFile, which asks for converter too"),
        (Penalising(), harness.Pruner, "asks for least_steps, scores_after too"),
        (Nameless(), harness.Pruner, "is no Pruner: it has no name"),
        (Constant(), harness.Pruner, "'rewrite' of Rewrites is called: make it a method"),
    ],
)
def test_what_is_there_by_half_or_in_the_wrong_form_is_named(broken, kind, sentence):
    with pytest.raises(AssertionError, match=sentence):
        recognised_abilities(broken, kind, name="broken")


def test_a_method_where_a_value_is_read_is_named():
    class Asked:
        name, score = "asked", Magnitude.score

        def granularities(self):
            return ("weight",)

    with pytest.raises(AssertionError, match=r"'granularities' is read as a value: .* a @property"):
        recognised_abilities(Asked(), harness.Pruner, name="asked")


def test_every_protocol_of_the_contracts_is_a_kind_or_an_ability():
    protocols = {
        protocol
        for module in MODULES
        for _, protocol in getmembers(module, lambda value: getattr(value, "_is_protocol", False))
        if protocol.__module__.startswith(contracts.__name__)
    }
    assert protocols == {*ABILITIES} | {a for offered in ABILITIES.values() for a in offered}


def test_a_converters_members_are_those_of_its_format_and_its_own():
    assert set(attributes_of(harness.Refines)) == {*attributes_of(Format), "source", "refine"}
