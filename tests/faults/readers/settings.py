"""Settings, selections and backend files of strangers."""

import ast
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

from harness.commands.run import run as run_command
from harness.comparisons.fail_on import read_fail_on
from harness.contracts.options import number_from
from harness.discovery.backend_file import backend_files
from harness.discovery.selection import parse_selection, selected_names
from harness.engines.shard import parse_shard
from harness.options.run_options import RunOptions, beyond_defaults
from harness.options.value_types import cores_to_pin
from harness.planning.axis_selection import (
    checked_levels,
    checked_numbers,
    levels_of_speedups,
    selected_granularities,
    whole_numbers,
)
from harness.publishing.reported import read_reported
from harness.storage.run_folder import RunFolder
from harness.trials.spared_layers import named_layers
from tests.faults.readers.archives import catalogue
from tests.faults.readers.refusal import refusing, remove, scratch, written


def read_settings(content: bytes) -> None:
    """A file of `--config`, a run's own options, and reported values, all of which are TOML."""
    path = written("options.toml", content)
    with refusing():
        options = RunFolder(scratch()).options
        again = beyond_defaults(options)
        assert all(isinstance(value, bool | int | float | str) for value in again.values())
    with refusing():
        read_reported(path)
    with refusing():
        arguments = ["--config", str(path), "--dry-run", "--models", "resnet18"]
        with run_command.make_context("run", arguments) as context:
            check_options(context.params)


def check_options(values: Mapping[str, object]) -> None:
    """What was typed, or a file says, is finite, and makes a request or is refused."""
    for name, value in values.items():
        assert not isinstance(value, float) or math.isfinite(value), name
    options = options_of(RunOptions, values)
    options.request()
    options.timing.stopping_rule()


def options_of(settings, values):
    """Options as the command is given them."""
    made = {}
    for item in fields(settings):
        group = item.metadata.get("group")
        made[item.name] = options_of(group, values) if group else values[item.name]
    return settings(**made)


LAYERS = ("conv1", "layer1.0.conv1", "layer1.0.conv2", "fc")


def read_levels(text: str) -> None:
    """Sparsity levels, as they are and as speed-ups."""
    for levels in (lambda: checked_levels(checked_numbers("levels", text, float)),
                   lambda: levels_of_speedups(text)):  # fmt: skip
        with refusing():
            assert all(0.0 < level < 1.0 for level in levels())


def read_plugins(text: str) -> None:
    """Names of plugins, with arguments."""
    for kind in ("pruner", "schedule", "backend", "meter", "reporter"):
        with refusing():
            for plugin in catalogue().choose(kind, text):
                assert isinstance(plugin.name, str)


def read_models(text: str) -> None:
    """Names of models, among a thousand."""
    for model in catalogue().choose_models(text):
        assert isinstance(model.name, str)


SELECTIONS: tuple[Callable[[str], object], ...] = (
    read_models,
    read_levels,
    read_plugins,
    lambda text: parse_selection(text, LAYERS, kind="layer"),
    lambda text: selected_names(text, LAYERS, kind="layer"),
    lambda text: selected_granularities(text, {"onnxruntime_cpu": 8}),
    lambda text: [*map(int, whole_numbers("seeds", text, least=0, most=2**32 - 1))],
    lambda text: named_layers(LAYERS, text),
    lambda text: read_fail_on(text, remeasured=True),
    lambda text: read_fail_on(text, remeasured=False),
    parse_shard,
    cores_to_pin,
    lambda text: number_from(text, lambda number: number > 0, takes="it takes a number"),
)


def read_selections(content: bytes) -> None:
    """A text of the command line, read as the kind that its first byte says; `*`: as all but models."""
    text = content[1:].decode("utf-8", "surrogateescape")
    first = ord(content[:1] or b"*") % len(SELECTIONS)
    for read in SELECTIONS[1:] if content[:1] == b"*" else SELECTIONS[first : first + 1]:
        with refusing():
            read(text)


def read_backend_file(content: bytes) -> None:
    """A Python file of backends; it is run by contract, so here only what does nothing when it is."""
    if not is_harmless(content):
        return
    folder = Path(tempfile.mkdtemp(dir=scratch()))
    try:
        (folder / "backends.py").write_bytes(content)
        with refusing():
            for name, file in backend_files(folder).items():
                assert isinstance(name, str)
                file.open()
    finally:
        remove(folder)


QUIET = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Constant, ast.List, ast.Tuple,
    ast.Dict, ast.Set, ast.Assign, ast.Name, ast.Load, ast.Store, ast.Expr, ast.ClassDef, ast.Raise,
    ast.Pass,
)  # fmt: skip


def is_harmless(content: bytes) -> bool:
    """Whether a file is no Python at all, or neither calls, imports nor reads anything."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return True
    return all(isinstance(node, QUIET) for node in ast.walk(tree))
