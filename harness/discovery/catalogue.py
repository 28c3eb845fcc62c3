"""Plugin catalogue: plugins by kind and name, and why others cannot be used."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from harness.contracts.call_limit import call_limit
from harness.contracts.options import Configurable, NeedsArgument
from harness.discovery.selection import parse_selection, selected_names, split_terms
from harness.errors import HarnessError, NameCollisionError, UnknownNameError, failure_reason
from harness.machine.availability import why_unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pluggy

    from harness.contracts.data import Model

Kind = Literal["pruner", "schedule", "dataset", "backend", "meter", "reporter"]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Offered plugin and the distribution that it comes from."""

    kind: str
    name: str
    distribution: str
    description: str
    plugin: Any = field(repr=False)

    @property
    def selected_as(self) -> str:
        """Name that selects it, with the example of an argument where it needs one."""
        if isinstance(self.plugin, NeedsArgument):
            return f"{self.name}:{self.plugin.needs_argument}"
        return self.name


@dataclass(frozen=True, kw_only=True)
class Broken:
    """Broken entry point or hook, and why it cannot be used."""

    name: str
    distribution: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Plugin catalogue; models are looked up by pattern, since there are a thousand."""

    offers: tuple[Offer, ...]
    broken: tuple[Broken, ...]
    manager: pluggy.PluginManager = field(repr=False)

    def available(self) -> list[Offer]:
        """Offers without those that `missing` names."""
        return [offer for offer in self.offers if _why_missing(offer) is None]

    def missing(self) -> list[tuple[str, str, str]]:
        """Missing plugins: name, distribution and reason of all that is broken or unavailable here."""
        reasons = [(broken.name, broken.distribution, broken.reason) for broken in self.broken]
        for offer in self.offers:
            reason = _why_missing(offer)
            if reason is not None:
                reasons.append((offer.name, offer.distribution, reason))
        return reasons

    def names(self, kind: Kind) -> list[str]:
        """Names of one kind, in the order of discovery."""
        return [offer.name for offer in self.offers if offer.kind == kind]

    def models(self, pattern: str) -> list[Model]:
        """Models (architectures) that match a shell pattern, from every model plugin."""
        by_name: dict[str, tuple[Model, str]] = {}
        for implementation in implementations(self.manager, "harness_models"):
            distribution = implementation.plugin_name
            for model in _offered_models(implementation, pattern):
                refuse_double("model", model.name, by_name.get(model.name), distribution)
                by_name[model.name] = (model, distribution)
        return [model for model, _ in by_name.values()]

    def models_of(self, offer: Offer) -> list[str]:
        """Names of all models that a model plugin offers."""
        return [
            model.name
            for implementation in implementations(self.manager, "harness_models")
            if implementation.plugin is offer.plugin
            for model in _offered_models(implementation, "*")
        ]

    def model_names(self) -> list[str]:
        """Names of all models, from every model plugin."""
        return [model.name for model in self.models("*")]

    def model_offers(self, name: str) -> list[Offer]:
        """The model of that name as an offer of its own; none where no plugin has it."""
        return [
            replace(offer, name=name, description=first_line(model), plugin=model)
            for implementation in implementations(self.manager, "harness_models")
            for model in _offered_models(implementation, name)
            for offer in self.offers
            if model.name == name and offer.plugin is implementation.plugin
        ]

    def announce(self, row: Mapping[str, Any]) -> list[str]:
        """Call every row listener; the failures of listeners, in one line each."""
        problems = []
        for implementation in implementations(self.manager, "harness_row_written"):
            try:
                with call_limit("`harness_row_written`"):
                    implementation.function(row=row)
            except (Exception, SystemExit) as error:
                problems.append(f"{implementation.plugin_name}: {failure_reason(error)}")
        return problems

    def _named(self, kind: Kind, name: str) -> Any:  # noqa: ANN401 -- narrowed by the callers
        for offer in self.offers:
            if (offer.kind, offer.name) == (kind, name):
                return offer.plugin
        raise UnknownNameError(kind, name, self.names(kind), shown_by=f"harness list {kind}s")

    def _needs_argument(self, kind: Kind, name: str) -> bool:
        return isinstance(self._named(kind, name), NeedsArgument)

    def choose(self, kind: Kind, terms: str) -> list[Any]:
        """Plugins that `terms` select; `name:argument` configures one that takes an argument."""
        selection = parse_selection(terms, self.names(kind), kind=kind)
        named = split_terms(terms)
        plugins = [
            self.configured(kind, name, argument)
            for name, argument in selection
            if argument is not None or name in named or not self._needs_argument(kind, name)
        ]
        # `iterative:0.2,iterative:20%` is one schedule.
        return list({plugin.name: plugin for plugin in plugins}.values())

    def choose_one(self, kind: Kind, terms: str, *, option: str) -> Any:  # noqa: ANN401 -- any kind
        """Single plugin that `terms` select. Raises HarnessError naming the option otherwise."""
        plugins = self.choose(kind, terms)
        if len(plugins) != 1:
            names = ", ".join(self.names(kind))
            raise HarnessError(f"{option} asks for one {kind} (there are: {names})")
        return plugins[0]

    def configured(self, kind: Kind, name: str, argument: str | None) -> Any:  # noqa: ANN401 -- any kind
        """Plugin of that name, configured with its argument where there is one."""
        plugin = self._named(kind, name)
        if argument is None and isinstance(plugin, NeedsArgument):
            example = f"{name}:{plugin.needs_argument}"
            raise HarnessError(f"{kind} {name!r} needs an argument, as {example}")
        if argument is None:
            return plugin
        if not isinstance(plugin, Configurable):
            raise HarnessError(f"{kind} {name!r} takes no argument, so not {name}:{argument}")
        with call_limit(f"{kind} {name}:{argument}"):
            return plugin.configured(argument)

    def choose_models(self, terms: str) -> list[Model]:
        """Models (architectures) that `terms` select."""
        positive = [term for term in split_terms(terms) if not term.startswith("!")]
        patterns = ["*" if term == "all" else term for term in positive or ["all"]]
        by_name = {model.name: model for pattern in patterns for model in self.models(pattern)}
        try:
            names = selected_names(terms, list(by_name), kind="model")
        except UnknownNameError:
            # Only now ask for all names: the nearest one is worth the wait, the others are not.
            names = selected_names(terms, self.model_names(), kind="model")
        return [by_name[name] for name in names]


def first_line(plugin: Any) -> str:  # noqa: ANN401 -- a module or an instance
    """First line of its docstring, which is what it is."""
    text = (plugin.__doc__ or "").strip()
    return text.splitlines()[0] if text else ""


def _why_missing(offer: Offer) -> str | None:
    return why_unavailable(offer.plugin) if offer.kind in ("backend", "meter") else None


def _offered_models(implementation: Any, pattern: str) -> list[Model]:  # noqa: ANN401 -- pluggy's HookImpl
    try:
        with call_limit("`harness_models`"):
            return listed_plugins(implementation.function(pattern=pattern), hook="harness_models")
    except (Exception, SystemExit) as error:
        message = f"{implementation.plugin_name} offers no models: {failure_reason(error)}"
        warnings.warn(message, stacklevel=2)
        return []


def listed_plugins(offered: object, *, hook: str) -> list[Any]:
    """What a hook offered, as a list. Raises HarnessError where it is none."""
    if isinstance(offered, str | bytes) or not isinstance(offered, Iterable):
        raise HarnessError(f"`{hook}` must return a list of plugins, not {offered!r}")
    return list(offered)


def refuse_double(kind: str, name: str, earlier: tuple[Any, str] | None, source: str) -> None:
    """Raise NameCollisionError where an `earlier` plugin has the name; both come with their source."""
    if earlier is not None:
        if earlier[1] == source:
            raise NameCollisionError(f"{source} offers two {kind}s named {name!r}: rename one of them")
        raise NameCollisionError(
            f"two plugins offer {kind} {name!r}: {earlier[1]} and {source}; "
            "rename one in its file, or uninstall one of them"
        )


def implementations(manager: pluggy.PluginManager, hook: str) -> list[Any]:
    """Implementations of a hook, to be called one by one: one that raises silences no other."""
    return list(getattr(manager.hook, hook).get_hookimpls())
