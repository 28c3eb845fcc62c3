"""Options of commands: a dataclass's fields declare them, and the command is called with its object."""

from __future__ import annotations

import json
import math
import os
from dataclasses import field, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.errors import HarnessError, UnknownNameError, UnwritableError, valid_text
from harness.storage.files import read_toml, writing_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from dataclasses import Field

    from _typeshed import DataclassInstance

    Command = Callable[..., None]

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
"""Of every command."""

PLUGIN_HELP = (
    "Python files with plugins of your own, as my_model.py,my_pruner.py. They are run: trust them."
)
"""Of every command that finds plugins."""

LARGEST = 2**63
"""Whole number of a file; Python writes none of thousands of digits."""

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


class FiniteRange(click.FloatRange):
    """Numbers that are numbers: click lets `nan` and `inf` through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 -- click's own signature
        """The number. Fails where it is not finite or out of range."""
        try:
            number = super().convert(value, param, ctx)
        except OverflowError:
            # A whole number of a file has no limit.
            number = math.inf
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


class WritablePath(click.ParamType["Path"]):
    """Paths that can be written to, which is tried before any work is done for them."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True) -> None:
        self._path = click.Path(file_okay=file_okay, dir_okay=dir_okay, path_type=Path)
        self.name = self._path.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ANN401 -- likewise
        """The path. Fails where it is empty, or nothing can be written there."""
        if not str(value).strip():
            self.fail("it is empty; name one, as results/mine", param, ctx)
        path: Path = self._path.convert(value, param, ctx)
        if problem := writing_problem(path):
            raise UnwritableError(value, problem, option=param.opts[0] if param else "path")
        return path


def cores_to_pin(text: str) -> tuple[int, ...]:
    """Core numbers of a comma list. Raises HarnessError for one this process may not use."""
    if not text.strip():
        return ()
    if not hasattr(os, "sched_getaffinity"):
        raise HarnessError("--pin: this system cannot pin processes to cores")
    allowed = {str(core) for core in os.sched_getaffinity(0)}
    cores = [term.strip() for term in text.split(",")]
    for core in cores:
        if core not in allowed:
            raise UnknownNameError("core", core, allowed)
    return tuple(sorted(map(int, set(cores))))


def plugin_option(command: Command) -> Command:
    """The command with the option for files of plugins, which it is given as `plugin`."""
    decorated: Command = click.option("--plugin", default="", show_default=False, help=PLUGIN_HELP)(
        command
    )
    return decorated


def read_config(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """Put a TOML file's values below the command line's; a key is an option's name."""
    if path is None:
        return None
    try:
        values = read_toml(path)
    except (OSError, ValueError) as error:
        raise HarnessError(f"--config {path}: {error}") from None
    parameters = {
        option.removeprefix("--"): parameter
        for parameter in context.command.params
        for option in parameter.opts
        if parameter.name not in ("config", "dry_run", "fresh")
    }
    defaults: dict[str, object] = {}
    for key, value in values.items():
        parameter = parameters.get(key.replace("_", "-"))
        if parameter is None:
            raise UnknownNameError("setting", key, parameters)
        if str(parameter.name) in defaults:
            raise HarnessError(f"--config {path}: {key} is said twice, spelt in two ways")
        defaults[str(parameter.name)] = _setting(path, key, value, parameter.type)
    context.default_map = defaults
    return path


def _setting(path: Path, key: str, value: object, kind: click.ParamType[Any]) -> object:
    """Value of a setting as its option takes it. Raises HarnessError where its type is another."""
    # Lists of numbers and names are texts on the command line.
    listed = isinstance(kind, click.types.StringParamType) and isinstance(value, list)
    wanted, types = _wanted(kind)
    items = value if isinstance(value, list) and listed else [value]
    for item in items:
        if not isinstance(item, types) or (isinstance(item, bool) and bool not in types):
            raise HarnessError(f"--config {path}: {key} is {wanted}, not {_shown(value)}")
        if isinstance(item, int) and abs(item) > LARGEST:
            raise HarnessError(f"--config {path}: {key} is {_shown(item)}: no option is as large")
        if isinstance(item, str) and "\0" in item:
            raise HarnessError(f"--config {path}: {key} holds a null character, which no name has")
    return ",".join(map(str, items)) if listed else value


def _shown(value: object) -> str:
    try:
        return f"{value!r:.60}"
    except ValueError:
        return "a number of so many digits"


def _wanted(kind: click.ParamType[Any]) -> tuple[str, tuple[type, ...]]:
    """What a setting is in words and types, by the type of its option."""
    if isinstance(kind, click.types.BoolParamType):
        return "true or false", (bool,)
    if isinstance(kind, click.types.IntParamType):
        return "a whole number", (int,)
    if isinstance(kind, click.types.FloatParamType):
        return "a number", (int, float)
    if isinstance(kind, click.types.StringParamType):
        return "a text, or a list", (str, int, float)
    return "a text", (str,)


def typed_words(context: click.Context, *, without: Collection[str]) -> list[str]:
    """The options that were typed but some, as words of a command line."""
    words = []
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name in without or source is not click.core.ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if isinstance(value, bool):
            words.append((parameter.opts if value else parameter.secondary_opts)[0])
        else:
            words.append(f"{parameter.opts[0]}={value}")
    return words


def config_text(context: click.Context, *, without: Collection[str]) -> str:
    """TOML text with every option of a command but some, typed or not, as `read_config` reads it."""
    lines = []
    for parameter in context.command.params:
        value = context.params[str(parameter.name)]
        if parameter.name not in without and value is not None:
            plain = value if isinstance(value, bool | int | float) else valid_text(str(value))
            # Numbers, words and flags are written alike in both languages.
            lines.append(f"{parameter.opts[0].removeprefix('--')} = {json.dumps(plain)}\n")
    return "".join(lines)
