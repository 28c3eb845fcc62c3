"""Options of `harness run` that come from a file or from the recipe."""

from __future__ import annotations

import math
import os
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from harness.errors import HarnessError, UnknownNameError
from harness.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
"""Of every command."""
FLOAT32 = "fp32"
"""What is typed for training as no arithmetic changes it."""

RECIPE_HELP = {
    "dense_epochs": "Epochs of dense training.",
    "finetune_epochs": "Fine-tuning epochs of each level, shared out over its rounds.",
    "train_batch": "Images per training step.",
    "optimizer": "timm's name of the optimiser.",
    "dense_lr": "Peak learning rate of dense training.",
    "finetune_lr": "Peak learning rate of fine-tuning.",
    "weight_decay": "Weight decay of both.",
}


class FiniteRange(click.FloatRange):
    """Numbers that are numbers: click lets `nan` and `inf` through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 -- click's own signature
        """The number. Fails where it is not finite or out of range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


_RANGES: dict[type, click.ParamType[Any]] = {
    float: FiniteRange(min=0),
    int: click.IntRange(min=1),
}


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


def read_config(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """Put a TOML file's values below the command line's; a key is an option's name."""
    if path is None:
        return None
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessError(f"--config {path}: {error}") from None
    known = {
        option.removeprefix("--"): parameter.name
        for parameter in context.command.params
        for option in parameter.opts
        if parameter.name not in ("config", "dry_run", "fresh")
    }
    found = {}
    for key, value in values.items():
        option = key.replace("_", "-")
        if option not in known:
            raise UnknownNameError("setting", key, known)
        found[known[option]] = ",".join(map(str, value)) if isinstance(value, list) else value
    context.default_map = found
    return path


def typed_words(context: click.Context, *, without: Collection[str]) -> list[str]:
    """The options that were typed but some, as words of a command line."""
    words = []
    for option in context.command.params:
        name = str(option.name)
        source = context.get_parameter_source(name)
        if name in without or source is not click.core.ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if isinstance(value, bool):
            words.append((option.opts if value else option.secondary_opts)[0])
        else:
            words.append(f"{option.opts[0]}={value}")
    return words


def recipe_options(command: Any) -> Any:  # noqa: ANN401 -- click's decorators are untyped
    """One option for each number of the recipe."""
    for item in reversed(fields(Recipe)):
        if item.name in RECIPE_HELP:
            option = f"--{item.name.replace('_', '-')}"
            command = click.option(
                option,
                item.name,
                type=_RANGES.get(type(item.default), str),
                default=item.default,
                help=RECIPE_HELP[item.name],
            )(command)
    return command
