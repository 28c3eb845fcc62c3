"""Help is there at once; a command's module is imported when it is run."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness.commands import cli
from harness.console.lazy_group import LazyCommand, LazyGroup
from tests.doubles import refusal

COMMANDS = Path(cli.__file__).parent


def test_every_command_is_in_the_file_of_its_verb():
    for name, command in cli.COMMANDS.items():
        module = command.path.partition(":")[0]
        # The kit has a command of its own, above all packages.
        assert module.rpartition(".")[2] == name or module == "harness.testing.checking.command"
        assert command.load().name == name


def test_help_has_a_whole_line_for_each_command_and_imports_none():
    code = (
        "import sys; from harness.commands.cli import cli; cli(['--help'], standalone_mode=False); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    width = max(map(len, cli.COMMANDS))
    for name, command in cli.COMMANDS.items():
        assert f"  {name.ljust(width)}  {command.help}\n" in done.stdout
    modules = set(done.stderr.split())
    assert not {"torch", "numpy", "rich", "harness.discovery.loading"} & modules
    assert not {f"harness.commands.{name}" for name in cli.COMMANDS} & modules


def test_an_unknown_command_is_refused_by_name(command):
    assert "reprot" in refusal(command("reprot", "x"))


def test_a_command_is_loaded_only_when_it_is_asked_for():
    group = LazyGroup("all", lazy={"none": LazyCommand("no.such.module:command", "Not there.")})
    context = click.Context(group)
    assert group.list_commands(context) == ["none"]
    assert "Not there." in group.get_help(context)
    assert group.get_command(context, "other") is None
    with pytest.raises(ModuleNotFoundError):
        group.get_command(context, "none")
