"""Finding plugins: discovery, what is broken or missing, and selection by name.

Loading is one by one, each in a `try`: pluggy's own loop stops at the first module that fails to
import, and one missing toolchain must cost one plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint, entry_points
from inspect import getattr_static
from typing import Any, Literal

import pluggy

from harness import hookspecs
from harness.contracts import (
    Backend,
    Configurable,
    Dataset,
    Model,
    Pruner,
    Reporter,
    Schedule,
)
from harness.errors import HarnessError, NameCollisionError, UnknownNameError, failure_reason

Kind = Literal["pruner", "schedule", "dataset", "backend", "reporter"]

KINDS: Mapping[Kind, type] = {
    "pruner": Pruner,
    "schedule": Schedule,
    "dataset": Dataset,
    "backend": Backend,
    "reporter": Reporter,
}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A plugin and the distribution that offers it."""

    kind: str
    name: str
    distribution: str
    description: str
    plugin: Any = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An entry point or a hook that cannot be used, and why."""

    name: str
    distribution: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Everything that was found; models are asked for by pattern, since there are a thousand."""

    offers: tuple[Offer, ...]
    broken: tuple[Broken, ...]
    manager: pluggy.PluginManager = field(repr=False)

    def names(self, kind: Kind) -> list[str]:
        """Names of one kind, in the order of discovery."""
        return [offer.name for offer in self.offers if offer.kind == kind]

    def models(self, pattern: str) -> list[Model]:
        """Architectures that match a shell pattern, from every model plugin."""
        found: dict[str, tuple[Model, str]] = {}
        for implementation in _implementations(self.manager, "harness_models"):
            for model in implementation.function(pattern=pattern):
                _refuse_double(
                    "model", model.name, found.get(model.name), implementation.plugin_name
                )
                found[model.name] = (model, implementation.plugin_name)
        return [model for model, _ in found.values()]

    def announce(self, row: Mapping[str, Any]) -> list[str]:
        """Tell every listener of a row; what went wrong there, in one line each."""
        problems = []
        for implementation in _implementations(self.manager, "harness_row_written"):
            try:
                implementation.function(row=row)
            except Exception as error:
                problems.append(f"{implementation.plugin_name}: {failure_reason(error)}")
        return problems

    def _named(self, kind: Kind, name: str) -> Any:  # noqa: ANN401 -- narrowed by the callers
        for offer in self.offers:
            if (offer.kind, offer.name) == (kind, name):
                return offer.plugin
        raise UnknownNameError(kind, name, self.names(kind))

    def choose(self, kind: Kind, terms: str) -> list[Any]:
        """The plugins that `terms` select; `name:argument` configures one that takes an argument."""
        found = selected(terms, self.names(kind), kind=kind)
        return [self.configured(kind, name, argument) for name, argument in found]

    def configured(self, kind: Kind, name: str, argument: str | None) -> Any:  # noqa: ANN401 -- any kind
        """The plugin of that name, set to its argument where one is given."""
        plugin = self._named(kind, name)
        if argument is None:
            return plugin
        if not isinstance(plugin, Configurable):
            raise HarnessError(f"{kind} {name!r} takes no argument, so not {name}:{argument}")
        return plugin.configured(argument)

    def choose_models(self, terms: str) -> list[Model]:
        """The architectures that `terms` select."""
        wanted = [term for term in _terms(terms) if not term.startswith("!")]
        patterns = ["*" if term == "all" else term for term in wanted or ["all"]]
        found = {model.name: model for pattern in patterns for model in self.models(pattern)}
        try:
            names = selected(terms, list(found), kind="model")
        except UnknownNameError:
            # Only now ask for all names: the nearest one is worth the wait, the others are not.
            names = selected(terms, [model.name for model in self.models("*")], kind="model")
        return [found[name] for name, _ in names]


def selected(terms: str, names: Sequence[str], *, kind: str) -> list[tuple[str, str | None]]:
    """Names with their arguments that a selection picks, in the order of `names`.

    `all`, a name, `name:argument`, a shell pattern, `!name` to leave out, and commas between them.
    Raises UnknownNameError for a term that matches nothing.
    """
    wanted = _terms(terms)
    left_out = {n for t in wanted if t.startswith("!") for n in _matching(t[1:], names, kind)}
    positive = [term for term in wanted if not term.startswith("!")] or ["all"]
    picked: dict[tuple[str, str | None], None] = {}
    for term in positive:
        plain, colon, argument = term.partition(":")
        for name in _matching(plain, names, kind):
            if name not in left_out:
                picked[name, argument if colon else None] = None
    if not picked:
        raise HarnessError(f"{terms!r} leaves no {kind}")
    return sorted(picked, key=lambda pair: names.index(pair[0]))


def _terms(terms: str) -> list[str]:
    return [term.strip() for term in terms.split(",") if term.strip()]


def _matching(term: str, names: Sequence[str], kind: str) -> list[str]:
    if term == "all":
        return list(names)
    found = [name for name in names if name == term or fnmatchcase(name, term)]
    if not found:
        raise UnknownNameError(kind, term, names)
    return found


def discover() -> Catalogue:
    """Load every entry point of the group `harness`.

    Raises NameCollisionError where two distributions offer one name.
    """
    manager = pluggy.PluginManager(hookspecs.ENTRY_POINT_GROUP)
    manager.add_hookspecs(hookspecs)
    distributions: dict[str, str] = {}
    broken: list[Broken] = []
    for entry in sorted(entry_points(group=hookspecs.ENTRY_POINT_GROUP), key=lambda e: e.value):
        distribution = _distribution(entry)
        name = f"{entry.dist.name if entry.dist else '?'}:{entry.name}"
        problem = _register(manager, entry, name)
        distributions[name] = distribution
        if problem:
            broken.append(Broken(name=entry.name, distribution=distribution, reason=problem))
    offers: list[Offer] = []
    for kind, protocol in KINDS.items():
        for implementation in _implementations(manager, f"harness_{kind}s"):
            distribution = distributions[implementation.plugin_name]
            found, problem = _offers(kind, protocol, implementation.function, distribution)
            offers.extend(found)
            if problem:
                name = implementation.plugin_name.partition(":")[2]
                broken.append(Broken(name=name, distribution=distribution, reason=problem))
    _refuse_doubles(offers)
    sources = [
        _model_source(implementation, distributions[implementation.plugin_name])
        for implementation in _implementations(manager, "harness_models")
    ]
    return Catalogue(offers=(*offers, *sources), broken=tuple(broken), manager=manager)


def _register(manager: pluggy.PluginManager, entry: EntryPoint, name: str) -> str | None:
    try:
        manager.register(entry.load(), name)
        manager.check_pending()
    except (Exception, SystemExit) as error:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        return failure_reason(error)
    return None


def _offers(
    kind: Kind,
    protocol: type,
    function: Any,
    distribution: str,  # noqa: ANN401 -- pluggy is untyped here
) -> tuple[list[Offer], str | None]:
    found: list[Offer] = []
    try:
        for plugin in function():
            lacking = _lacking(plugin, protocol)
            if lacking:
                return (
                    found,
                    f"{type(plugin).__name__} is no {kind}: it has no {', '.join(lacking)}",
                )
            found.append(
                Offer(
                    kind=kind,
                    name=plugin.name,  # type: ignore[attr-defined]  # every protocol has a name
                    distribution=distribution,
                    description=_first_line(plugin),
                    plugin=plugin,
                )
            )
    except (Exception, SystemExit) as error:
        return found, failure_reason(error)
    return found, None


def _lacking(plugin: object, protocol: type) -> list[str]:
    # isinstance would evaluate properties, and one that is not configured yet may refuse.
    members = [name for name in vars(protocol) if not name.startswith("_")]
    return [name for name in members if getattr_static(plugin, name, None) is None]


def _model_source(implementation: Any, distribution: str) -> Offer:  # noqa: ANN401 -- pluggy's HookImpl
    module = implementation.plugin
    name = implementation.plugin_name.partition(":")[2].removeprefix("model_")
    return Offer(
        kind="model",
        name=f"{name} (any name or pattern)",
        distribution=distribution,
        description=_first_line(module),
        plugin=module,
    )


def _refuse_doubles(offers: Iterable[Offer]) -> None:
    first: dict[tuple[str, str], tuple[Any, str]] = {}
    for offer in offers:
        known = first.get((offer.kind, offer.name))
        _refuse_double(offer.kind, offer.name, known, offer.distribution)
        first[offer.kind, offer.name] = (offer.plugin, offer.distribution)


def _refuse_double(kind: str, name: str, known: tuple[Any, str] | None, source: str) -> None:
    if known is not None:
        raise NameCollisionError(
            f"two plugins offer {kind} {name!r}: {known[1]} and {source}; uninstall one of them"
        )


def _implementations(manager: pluggy.PluginManager, hook: str) -> list[Any]:
    return list(getattr(manager.hook, hook).get_hookimpls())


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"


def _first_line(documented: Any) -> str:  # noqa: ANN401 -- a module or an instance
    text = (documented.__doc__ or "").strip()
    return text.splitlines()[0] if text else ""
