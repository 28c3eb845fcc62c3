"""Configuration file: the options of a command as TOML, read below what is typed, and written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from harness.errors import HarnessError, UnknownNameError, valid_text
from harness.storage.files import read_toml

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


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
            raise HarnessError(f"--config {path}: {key} is {wanted}, not {value!r:.60}")
        if isinstance(item, str) and "\0" in item:
            raise HarnessError(f"--config {path}: {key} holds a null character, which no name has")
    return ",".join(map(str, items)) if listed else value


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
