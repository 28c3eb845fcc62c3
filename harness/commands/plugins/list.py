"""`harness list`: every plugin, and what is broken or unavailable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from harness.console.tables import console, print_table
from harness.discovery.loading import discover
from harness.options.declaration import SETTINGS, plugin_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.discovery.catalogue import Catalogue

KINDS = ("pruner", "schedule", "model", "dataset", "backend", "meter", "reporter")
EXAMPLES = """\b
harness list                  all of them, and why others are unavailable
harness list pruners          of one kind
harness list models --json    every name, for a program
"""


@click.command("list", context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("kind", required=False, type=click.Choice([f"{kind}s" for kind in KINDS]))
@click.option("--json", "as_json", is_flag=True, help="As JSON: an array of objects.")
@plugin_option
def list_plugins(*, kind: str | None, as_json: bool, plugin: str) -> None:
    """Show every plugin, or those of one kind, and which are broken or unavailable, and why.

    Models are a line a plugin where all kinds are shown, and a line a name with `harness list models`.
    """
    catalogue = discover(plugin)
    lines = [*_lines(catalogue, whole=as_json or kind == "models")]
    # What is broken may have been of any kind.
    shown = [line for line in lines if kind is None or f"{line['kind'] or kind[:-1]}s" == kind]
    if as_json:
        click.echo(json.dumps(shown, indent=1))
        return
    words = ("kind", "name", "from", "what it is")
    available = [tuple(line[word] for word in words) for line in shown if not line["reason"]]
    print_table(console(), words, available, title="Plugins")
    apart = [(line["name"], line["from"], line["reason"]) for line in shown if line["reason"]]
    print_table(console(), ("name", "from", "reason"), apart, title="Broken or unavailable")


def _lines(catalogue: Catalogue, *, whole: bool) -> Iterator[dict[str, str]]:
    """What is broken, of no kind, and what there is; every model's name where `whole`."""
    for broken in catalogue.broken:
        yield _line("", broken.name, broken.distribution, "", broken.reason)
    reasons = {(name, source): reason for name, source, reason in catalogue.missing()}
    usable = catalogue.available()
    for offer in catalogue.offers:
        names = [offer.name]
        if offer.kind == "model":
            offered = catalogue.models_of(offer)
            names = offered if whole else [_counted(offered)]
        for name in names:
            source = offer.distribution
            reason = "" if offer in usable else reasons[offer.name, source]
            yield _line(offer.kind, name, source, offer.description, reason)


def _line(kind: str, name: str, source: str, description: str, reason: str) -> dict[str, str]:
    words = {"kind": kind, "name": name, "from": source}
    return {**words, "what it is": description, "reason": reason}


def _counted(names: list[str]) -> str:
    """The first name, and how many more there are; some are offered to who asks for them alone."""
    if len(names) < 3:
        return ", ".join(names) or "asked for by name"
    return f"{names[0]} and {len(names) - 1} more"
