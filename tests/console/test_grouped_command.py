"""Help of a command shows its options under titles."""

import click
from click.testing import CliRunner

from harness.commands.run import run
from harness.console.grouped_command import GroupedCommand


@click.command(cls=GroupedCommand, titles={"size": "The cake"})
@click.option("--size", help="In centimetres.")
@click.option("--candles", help="How many.")
def bake(size, candles):
    """Bake a cake."""


def test_options_stand_under_their_titles_and_others_last():
    lines = CliRunner().invoke(bake, ["--help"]).output.splitlines()
    titled = {lines.index(title): title for title in ("The cake:", "Options:")}
    assert "--size" in lines[min(titled) + 1]
    assert "--candles" in lines[max(titled) + 1]


def test_all_options_of_a_run_are_in_a_group():
    text = CliRunner().invoke(run, ["--help"], terminal_width=100).output
    titles = [line.removesuffix(":") for line in text.splitlines() if line and line[0] not in " U"]
    assert titles == [
        "What is run", "On which images", "How it is trained", "Where it runs",
        "What a job may take", "How it is timed", "How it is ranked",
        "Folder, and going on", "Settings and plugins from files", "Options",
    ]  # fmt: skip
    assert "Show this message and exit." in text.split("Options:")[1]
