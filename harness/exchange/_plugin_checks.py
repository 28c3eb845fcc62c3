"""Plugin checks: whether the plugins that rows name are the programs installed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.contracts.pruners import ComparedWith
from harness.contracts.schedules import Controlled
from harness.storage.keys import source_hash
from harness.storage.row import RIVALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.discovery.catalogue import Catalogue

    Row = Mapping[str, Any]

HASHED = ("model", "dataset", "pruner", "schedule")


def used_plugins(rows: Iterable[Row]) -> set[tuple[str, str, str]]:
    """Plugins of rows, as kind, name and source hash."""
    return {
        (kind, str(row[kind]), str(row[f"{kind}_hash"]))
        for row in rows
        for kind in HASHED
        if row[f"{kind}_hash"] and row[kind] != RIVALS
    }


def plugin_notes(used: Iterable[tuple[str, str, str]], catalogue: Catalogue) -> Iterator[str]:
    """Notes on plugins that are not installed here, and on those whose source is another one here."""
    for kind, name, claimed in sorted(used):
        installed = _installed(kind, name, catalogue)
        if installed is None:
            yield f"{kind} {name} is not installed here: what it does cannot be looked at"
        elif source_hash(installed) != claimed:
            yield (
                f"{kind} {name} is another program here, of another release or with another's name "
                f"({claimed} there, {source_hash(installed)} here)"
            )


def _installed(kind: str, name: str, catalogue: Catalogue) -> object | None:
    if kind == "model":
        return next((model for model in catalogue.models(name) if model.name == name), None)
    offered = [offer.plugin for offer in catalogue.offers if offer.kind == kind]
    controls = [one.control for one in offered if isinstance(one, ComparedWith | Controlled)]
    named: dict[str, object] = {plugin.name: plugin for plugin in (*controls, *offered)}
    # What is configured as `iterative:0.2` is of the class that is offered as `iterative`.
    return named.get(name, named.get(name.partition(":")[0]))
