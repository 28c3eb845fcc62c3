"""`harness show`: one plugin, with its paper, what it is defined on, and a command that uses it."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from harness.commands.plugins._plugin_facts import plugin_facts
from harness.discovery.loading import discover
from harness.errors import UnknownNameError
from harness.options.declaration import SETTINGS, plugin_option

if TYPE_CHECKING:
    from harness.discovery.catalogue import Catalogue, Offer

EXAMPLES = """\b
harness show taylor              a criterion: paper, formula, granularities, evidence
harness show 'magnitude*'        all that a pattern matches
harness show onnxruntime_cpu     a backend, and whether it is available here
harness show resnet18 --json     a model, for a program
"""
INDENT = 15


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON: an array of objects.")
@plugin_option
def show(*, name: str, as_json: bool, plugin: str) -> None:
    """Show one plugin: what it is and by which paper, what it is defined on, and how it is used."""
    facts = [(offer, dict(plugin_facts(offer))) for offer in _offers(discover(plugin), name)]
    if as_json:
        click.echo(json.dumps([{"name": offer.name, **words} for offer, words in facts], indent=1))
        return
    for number, (offer, words) in enumerate(facts):
        if number:
            click.echo()
        click.secho(offer.name, bold=True)
        for label, text in words.items():
            lines = text.splitlines()
            click.echo(f"  {label:{INDENT}} {lines[0]}")
            for line in lines[1:]:
                click.echo(f"  {'':{INDENT}} {line}".rstrip())


def _offers(catalogue: Catalogue, word: str) -> list[Offer]:
    """Those that a name or a pattern matches, of whichever kinds.

    Raises UnknownNameError naming the nearest where there is none.
    """
    name = word.partition(":")[0]
    others = [offer for offer in catalogue.offers if offer.kind != "model"]
    offers = [offer for offer in others if fnmatchcase(offer.name, name)]
    if not offers:
        offers = [*catalogue.model_offers(name)]
    if not offers:
        every = [*(offer.name for offer in others), *catalogue.model_names()]
        raise UnknownNameError("plugin", word, every, shown_by="harness list --json")
    return offers
