"""Plugin loading through the entry-point group `harness`.

Entry points load one by one, each in a `try`: pluggy's own loop stops at the first module that fails to
import, and one missing toolchain must cost one plugin.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from inspect import getattr_static
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from harness.contracts.backends import Backend
from harness.contracts.call_limit import call_limit, call_seconds
from harness.contracts.data import Dataset
from harness.contracts.meters import Meter
from harness.contracts.pruners import Pruner
from harness.contracts.reporters import Reporter
from harness.contracts.schedules import Schedule
from harness.discovery import hookspecs
from harness.discovery._plugin_file import import_plugin_file
from harness.discovery.catalogue import (
    Broken,
    Catalogue,
    Kind,
    Offer,
    first_line,
    implementations,
    listed_plugins,
    refuse_double,
)
from harness.discovery.plugin_name import name_problem
from harness.discovery.selection import split_terms
from harness.errors import HarnessError, UnknownNameError, failure_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS: Mapping[Kind, type] = {
    "pruner": Pruner,
    "schedule": Schedule,
    "dataset": Dataset,
    "backend": Backend,
    "meter": Meter,
    "reporter": Reporter,
}


def discover(files: str = "") -> Catalogue:
    """Discover plugins: load every entry point of the group `harness`, and a comma list of files.

    Raises NameCollisionError where two of them offer one name, HarnessError naming a file that offers
    nothing, or a limit of their time that is none.
    """
    # Refused before it is taken for a fault of each plugin.
    call_seconds()
    manager = pluggy.PluginManager(hookspecs.ENTRY_POINT_GROUP)
    manager.add_hookspecs(hookspecs)
    distributions: dict[str, str] = {}
    broken: list[Broken] = []
    for entry in sorted(entry_points(group=hookspecs.ENTRY_POINT_GROUP), key=_built_in_first):
        distribution = _distribution(entry)
        name = f"{entry.dist.name if entry.dist else '?'}:{entry.name}"
        problem = _register(manager, entry, name)
        distributions[name] = distribution
        if problem:
            broken.append(Broken(name=entry.name, distribution=distribution, reason=problem))
    for file in split_terms(files):
        name = f"--plugin {file}"
        distributions[name] = Path(file).name
        _register_file(manager, Path(file), name)
    offers: list[Offer] = []
    for kind, protocol in KINDS.items():
        for implementation in implementations(manager, f"harness_{kind}s"):
            distribution = distributions[implementation.plugin_name]
            usable, problem = _collect_offers(kind, protocol, implementation.function, distribution)
            offers.extend(usable)
            if problem and implementation.plugin_name.startswith("--plugin"):
                raise HarnessError(f"{implementation.plugin_name}: {problem}")
            if problem:
                name = implementation.plugin_name.partition(":")[2]
                broken.append(Broken(name=name, distribution=distribution, reason=problem))
    _refuse_doubles(offers)
    sources = [
        _model_source(implementation, distributions[implementation.plugin_name])
        for implementation in implementations(manager, "harness_models")
    ]
    return Catalogue(offers=(*offers, *sources), broken=tuple(broken), manager=manager)


def _register(manager: pluggy.PluginManager, entry: EntryPoint, name: str) -> str | None:
    try:
        with call_limit("its import"):
            module = entry.load()
        _refuse_unknown_hooks(module)
        manager.register(module, name)
    except (Exception, SystemExit) as error:
        # pluggy keeps a plugin whose second hook it refuses.
        if manager.has_plugin(name):
            manager.unregister(name=name)
        return failure_reason(error)
    return None


def _register_file(manager: pluggy.PluginManager, path: Path, name: str) -> None:
    """Register the plugins of a file. Raises HarnessError where it offers none, or in a wrong way."""
    module = import_plugin_file(path)
    try:
        _refuse_unknown_hooks(module)
        manager.register(module, name)
    except (UnknownNameError, pluggy.PluginValidationError) as error:
        raise HarnessError(f"{name}: {' '.join(str(error).split())}") from None
    if not manager.get_hookcallers(module):
        hooks = ", ".join(hook for hook in vars(hookspecs) if hook.startswith("harness_"))
        raise HarnessError(f"{name} offers nothing: mark one of {hooks} by @harness.hookimpl")


def _refuse_unknown_hooks(module: object) -> None:
    specified = [name for name in vars(hookspecs) if name.startswith("harness_")]
    for name, function in vars(module).items():
        # pluggy's marker leaves this attribute on what it decorates.
        if hasattr(function, "harness_impl") and name not in specified:
            raise UnknownNameError("hook", name, specified)


def _collect_offers(
    kind: Kind,
    protocol: type,
    function: Any,  # noqa: ANN401 -- pluggy is untyped here
    distribution: str,
) -> tuple[list[Offer], str | None]:
    offers: list[Offer] = []
    try:
        with call_limit(f"`harness_{kind}s`"):
            for plugin in listed_plugins(function(), hook=f"harness_{kind}s"):
                missing = _missing_attributes(plugin, protocol)
                if missing:
                    return (
                        offers,
                        f"{type(plugin).__name__} is no {kind}: it has no {', '.join(missing)}",
                    )
                problem = name_problem(kind, plugin.name)
                if problem or {*plugin.name} & {":", "/", "\\"}:
                    return offers, problem or f"{plugin.name!r}: a name has neither : nor a slash in it"
                offers.append(
                    Offer(
                        kind=kind,
                        name=plugin.name,
                        distribution=distribution,
                        description=first_line(plugin),
                        plugin=plugin,
                    )
                )
    except (Exception, SystemExit) as error:
        return offers, failure_reason(error)
    return offers, None


def _missing_attributes(plugin: object, protocol: type) -> list[str]:
    # isinstance would evaluate properties, and one that is not configured yet may refuse.
    attributes = [name for name in vars(protocol) if not name.startswith("_")]
    return [name for name in attributes if getattr_static(plugin, name, None) is None]


def _model_source(implementation: Any, distribution: str) -> Offer:  # noqa: ANN401 -- pluggy's HookImpl
    module = implementation.plugin
    name = implementation.plugin_name.partition(":")[2].removeprefix("model_") or module.__name__
    return Offer(
        kind="model",
        name=name,
        distribution=distribution,
        description=first_line(module),
        plugin=module,
    )


def _refuse_doubles(offers: Iterable[Offer]) -> None:
    by_name: dict[tuple[str, str], tuple[Any, str]] = {}
    for offer in offers:
        earlier = by_name.get((offer.kind, offer.name))
        refuse_double(offer.kind, offer.name, earlier, offer.distribution)
        by_name[offer.kind, offer.name] = (offer.plugin, offer.distribution)


def _built_in_first(entry: EntryPoint) -> tuple[bool, str]:
    # Who comes later may not write another reporter's file.
    return entry.dist is None or entry.dist.name != "pruning-harness", entry.value


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"
