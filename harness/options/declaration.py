"""Declaration of options: fields of a dataclass, with an object of which the command is called."""

from __future__ import annotations

from dataclasses import field, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from dataclasses import Field

    from _typeshed import DataclassInstance

    Command = Callable[..., None]

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
"""Of every command."""

PLUGIN_HELP = (
    "Python files with plugins of your own, as my_model.py,my_pruner.py. They are run: trust them."
)
"""Of every command that finds plugins."""

Value = TypeVar("Value")
Settings = TypeVar("Settings", bound="DataclassInstance")


def option(kind: click.ParamType[Value], *names: str, default: Value, help: str) -> Value:  # noqa: A002 -- click's own word
    """A field that is an option of the field's name, or of other names."""
    return field(default=default, metadata=_option(*names, type=kind, default=default, help=help))


def text_option(*, default: str, help: str) -> str:  # noqa: A002 -- likewise
    """A field that is an option of any text."""
    return option(click.STRING, default=default, help=help)


def required_option(kind: click.ParamType[Value], *, help: str) -> Value:  # noqa: A002 -- likewise
    """A field that is an option without a default."""
    declared: Value = field(metadata=_option(type=kind, required=True, help=help))
    return declared


def optional(
    kind: click.ParamType[Value],
    *names: str,
    help: str,  # noqa: A002 -- likewise
    eager: Callable[[click.Context, click.Parameter, Value | None], Value | None] | None = None,
) -> Value | None:
    """A field that is None where its option is left out; `eager` is called before other options."""
    attributes = {"callback": eager, "is_eager": True} if eager else {}
    return field(default=None, metadata=_option(*names, type=kind, help=help, **attributes))


def flag(*names: str, default: bool = False, help: str) -> bool:  # noqa: A002 -- likewise
    """A field that is an option without a value, as `--fresh` or `--augment/--no-augment`."""
    return field(default=default, metadata=_option(*names, is_flag=True, default=default, help=help))


def option_group(settings: type[Settings], *, title: str) -> Settings:
    """A field that is a dataclass of options itself, shown under a title."""
    group: Settings = field(metadata={"group": settings, "title": title})
    return group


def option_titles(settings: type[DataclassInstance]) -> dict[str, str]:
    """Titles that options are shown under, by the names of their fields."""
    groups = [item for item in fields(settings) if "group" in item.metadata]
    return {
        option.name: group.metadata["title"]
        for group in groups
        for option in _option_fields(group.metadata["group"])
    }


def _option(*names: str, **attributes: Any) -> dict[str, Any]:  # noqa: ANN401 -- click's own
    return {"names": names, "attributes": attributes}


def with_options(settings: type[Settings]) -> Callable[[Command], Command]:
    """A decorator: the command has the options of `settings`, and is given what was typed as one.

    That comes first; what the command declares besides, as an argument, is given by name.
    """
    items = [*_option_fields(settings)]
    own = {item.name for item in items}

    def decorate(command: Command) -> Command:
        @wraps(command)
        def decorated(**values: object) -> None:
            others = {name: value for name, value in values.items() if name not in own}
            command(_with_values(settings, values), **others)

        for item in reversed(items):
            names = item.metadata["names"] or [f"--{item.name.replace('_', '-')}"]
            click.option(*names, item.name, **item.metadata["attributes"])(decorated)
        return decorated

    return decorate


def defaults_of(settings: type[DataclassInstance]) -> dict[str, Any]:
    """Defaults of options by their names on the command line, None where there are none."""
    return {
        _first_name(item): item.metadata["attributes"].get("default")
        for item in _option_fields(settings)
    }


def _first_name(item: Field[Any]) -> str:
    """Name of an option in a file: the first that may be typed, of a flag the one that sets it."""
    declared: str = (item.metadata["names"] or [item.name.replace("_", "-")])[0]
    return declared.partition("/")[0].removeprefix("--")


def _option_fields(settings: type[DataclassInstance]) -> Iterator[Field[Any]]:
    """Those of its groups among them, in their order."""
    for item in fields(settings):
        if "group" in item.metadata:
            yield from _option_fields(item.metadata["group"])
        else:
            yield item


def _with_values(settings: type[Settings], values: Mapping[str, object]) -> Settings:
    groups = {item.name: item.metadata.get("group") for item in fields(settings)}
    return settings(
        **{
            name: _with_values(group, values) if group else values[name]
            for name, group in groups.items()
        }
    )


def plugin_option(command: Command) -> Command:
    """The command with the option for files of plugins, which it is given as `plugin`."""
    decorated: Command = click.option("--plugin", default="", show_default=False, help=PLUGIN_HELP)(
        command
    )
    return decorated
