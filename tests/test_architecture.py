"""The map of the source says what the source is."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from tests import structure

PAGE = structure.ROOT / "docs" / "architecture.md"
WAYS = re.findall(r"^## (The way of .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_table_lists_the_packages_in_their_order_by_their_own_words():
    shown = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    packages = [name for name in structure.ORDER if name != "errors"]
    assert shown == [(name, first_sentence(structure.ROOT / "harness" / name)) for name in packages]


def test_ways_of_a_score_and_of_two_options_are_shown():
    assert WAYS == ["The way of a score", "The way of --threads", "The way of --precision"]


@pytest.mark.parametrize("way", WAYS)
def test_every_stop_of_a_way_is_in_the_code(way):
    stops = structure.stops(PAGE, way)
    assert 0 < len(stops) < 20
    for stop in stops:
        assert exists(stop), stop


def test_a_way_goes_to_where_it_has_not_been():
    for way in WAYS:
        stops = structure.stops(PAGE, way)
        assert len(set(stops)) == len(stops)


def first_sentence(package: Path) -> str:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    return docstring.splitlines()[0]


def exists(dotted: str) -> bool:
    """Whether it is a function, a class or a method that a module holds."""
    parts = dotted.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            value = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            value = getattr(value, name, None)
        return callable(value)
    return False
