"""Abilities: which optional protocols a plugin offers, and which it was probably meant to offer."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import getattr_static, isfunction

from harness.contracts.abilities import ABILITIES, Abilities
from harness.testing.requirements import require

RESEMBLES = 0.8
"""Ratio of equal letters (`difflib`) from which one attribute's name is taken for another's."""


def recognised_abilities(plugin: object, kind: type, *, name: str) -> Abilities:
    """The abilities that the harness recognises; they are printed too.

    Raises AssertionError naming the attribute where one that `kind` asks for is missing, one resembles
    an ability's, an ability is there by half, or a method stands where a value is read.
    """
    _refuse_near_misses(plugin, kind, name=name)
    _refuse_missing(plugin, kind, name=name)
    for ability in ABILITIES[kind]:
        _refuse_halves(plugin, ability, kind=kind, name=name)
    recognised = tuple(ability for ability in ABILITIES[kind] if isinstance(plugin, ability))
    for protocol in (kind, *recognised):
        _refuse_wrong_forms(plugin, protocol, name=name)
    listed = ", ".join(ability.__name__ for ability in recognised)
    print(f"{name}: recognised abilities: {listed or 'none'}")
    return recognised


def attributes_of(protocol: type) -> tuple[str, ...]:
    """The attributes that a protocol asks for."""
    named = [name for base in protocol.__mro__[:-1] for name in vars(base)]
    return tuple(dict.fromkeys(name for name in named if not name.startswith("_")))


def _has(plugin: object, name: str) -> bool:
    # Not evaluated: a property may refuse before its plugin is configured.
    return getattr_static(plugin, name, None) is not None


def _refuse_near_misses(plugin: object, kind: type, *, name: str) -> None:
    owner = {m: protocol for protocol in (kind, *ABILITIES[kind]) for m in attributes_of(protocol)}
    lacking = [attribute for attribute in owner if not _has(plugin, attribute)]
    for attribute in dir(plugin):
        if attribute.startswith("_") or attribute in owner:
            continue
        for near in get_close_matches(attribute, lacking, n=1, cutoff=RESEMBLES):
            raise AssertionError(
                f"{name}: {attribute!r} is no ability's, but resembles {near!r} of "
                f"{owner[near].__name__}: spell it so, or begin its name with an underscore"
            )


def _refuse_missing(plugin: object, kind: type, *, name: str) -> None:
    lacking = [attribute for attribute in attributes_of(kind) if not _has(plugin, attribute)]
    require(not lacking, f"{name} is no {kind.__name__}: it has no {', '.join(lacking)}")


def _refuse_halves(plugin: object, ability: type, *, kind: type, name: str) -> None:
    own = [attribute for attribute in attributes_of(ability) if attribute not in attributes_of(kind)]
    there = [attribute for attribute in own if _has(plugin, attribute)]
    lacking = [attribute for attribute in own if attribute not in there]
    # What several abilities ask for says nothing of this one.
    shared = {m for other in ABILITIES[kind] if other is not ability for m in attributes_of(other)}
    if lacking and set(there) - shared:
        raise AssertionError(
            f"{name}: {', '.join(there)} alone is not {ability.__name__}, which asks for "
            f"{', '.join(lacking)} too"
        )


def _refuse_wrong_forms(plugin: object, protocol: type, *, name: str) -> None:
    for attribute in attributes_of(protocol):
        wanted, given = getattr_static(protocol, attribute), getattr_static(plugin, attribute)
        if isinstance(wanted, property):
            require(
                not isfunction(given),
                f"{name}: {attribute!r} is read as a value: write it as an attribute or a @property",
            )
        elif not isinstance(given, property):
            method = callable(getattr(plugin, attribute))
            require(method, f"{name}: {attribute!r} of {protocol.__name__} is called: make it a method")
