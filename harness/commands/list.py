"""`harness list`: every plugin, and what is broken or unavailable."""

from __future__ import annotations

import click

from harness.console.options import SETTINGS, plugin_option
from harness.console.tables import console, print_catalogue
from harness.discovery.loading import discover


@click.command("list", context_settings=SETTINGS)
@plugin_option
def list_plugins(plugin: str) -> None:
    """Show every plugin, and which ones are broken or unavailable, and why."""
    print_catalogue(console(), discover(plugin))
