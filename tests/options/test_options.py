"""A dataclass's fields are a command's options, and the command is given one object of them."""

from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from harness.options.config_file import typed_words
from harness.options.declaration import (
    flag,
    option,
    option_group,
    optional,
    required_option,
    text_option,
    with_options,
)
from harness.options.value_types import FiniteRange


@dataclass(frozen=True, kw_only=True)
class Oven:
    degrees: float = option(FiniteRange(min=0), default=180.0, help="Of the air.")
    steam: bool = flag("--steam/--dry", default=True, help="Or not.")


@dataclass(frozen=True, kw_only=True)
class Bread:
    flour: str = required_option(click.STRING, help="What it is of.")
    loaf_name: str = text_option(default="plain", help="What it is called.")
    tin: Path | None = optional(click.Path(path_type=Path), "--tin", "--form", help="Where it rises.")
    oven: Oven = option_group(Oven, title="The oven")


def baked(*words: str) -> Bread:
    """What a command with these options is called with."""
    breads: list[Bread] = []

    @click.command()
    @with_options(Bread)
    def bake(bread: Bread) -> None:
        breads.append(bread)

    bake.main([*words], standalone_mode=False)
    [bread] = breads
    return bread


def test_what_is_left_out_has_the_fields_defaults():
    assert baked("--flour=rye") == Bread(flour="rye", oven=Oven())
    assert Bread(flour="rye", oven=Oven()) == Bread(
        flour="rye", loaf_name="plain", tin=None, oven=Oven(degrees=180.0, steam=True)
    )


def test_options_are_named_as_their_fields_or_as_they_say():
    bread = baked("--flour=rye", "--loaf-name=long", "--form=tins/one", "--dry", "--degrees=220")
    assert bread == Bread(
        flour="rye", loaf_name="long", tin=Path("tins/one"), oven=Oven(degrees=220.0, steam=False)
    )


def test_a_field_without_a_default_is_asked_for():
    with pytest.raises(click.MissingParameter):
        baked()


@pytest.mark.parametrize("number", ["nan", "inf", "-1"])
def test_numbers_are_finite_and_in_their_range(number):
    with pytest.raises(click.BadParameter):
        baked("--flour=rye", f"--degrees={number}")


def test_a_whole_number_beyond_all_numbers_is_out_of_range():
    with pytest.raises(click.BadParameter, match="finite"):
        FiniteRange(min=0).convert(10**400, None, None)


def test_words_are_those_that_were_typed():
    lines = []

    @click.command()
    @with_options(Bread)
    def bake(bread: Bread) -> None:
        lines.append(typed_words(click.get_current_context(), without=("loaf_name",)))

    bake.main(["--flour", "rye", "--dry", "--loaf-name=long"], standalone_mode=False)
    assert lines == [["--flour=rye", "--dry"]]
