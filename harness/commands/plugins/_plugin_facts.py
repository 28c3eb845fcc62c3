"""Facts about a plugin: what its attributes and its docstring say, and what a criterion looks at."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from harness.contracts.abilities import ABILITIES
from harness.contracts.data import Model
from harness.contracts.evidence import GRANULARITIES
from harness.contracts.options import Configurable, NeedsArgument
from harness.contracts.pruners import PrunesOnly, Scoped
from harness.discovery.loading import KINDS
from harness.errors import failure_reason
from harness.machine.availability import why_unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.contracts.evidence import Granularity
    from harness.discovery.catalogue import Offer

EXAMPLES: Mapping[str, str] = {
    "pruner": "--models resnet18 --pruners {name},random",
    "schedule": "--models resnet18 --schedules {name}",
    "model": "--models {name}",
    "dataset": "--models resnet18 --dataset {name}",
    "backend": "--models resnet18 --backends {name}",
    "meter": "--models resnet18 --meter {name}",
    "reporter": "--models resnet18",
}
"""By kind, options of a run that a plugin is part of; reporters always are."""


def example_run(kind: str, name: str) -> str:
    """Command of a run that a plugin is part of."""
    return f"harness run {EXAMPLES[kind].format(name=name)}"


def plugin_facts(offer: Offer) -> Iterator[tuple[str, str]]:
    """What there is to say of a plugin, name and words, in the order in which to say it."""
    plugin = offer.plugin
    yield "kind", offer.kind
    yield "from", offer.distribution
    yield "what it is", inspect.cleandoc(plugin.__doc__ or "it does not say")
    if offer.kind in ("backend", "meter"):
        yield "here", why_unavailable(plugin) or "available"
    if offer.kind == "pruner":
        yield from _pruner_facts(offer)
    abilities = _abilities(offer)
    if abilities:
        yield "abilities", ", ".join(abilities)
    if isinstance(plugin, Configurable):
        example = plugin.needs_argument if isinstance(plugin, NeedsArgument) else "ARGUMENT"
        needs = "needs" if isinstance(plugin, NeedsArgument) else "takes"
        yield "argument", f"{needs} one, as {offer.name}:{example}"
    yield "source", inspect.getsourcefile(type(plugin)) or "none"
    yield "example", example_run(offer.kind, offer.selected_as)


def _abilities(offer: Offer) -> list[str]:
    kind = Model if offer.kind == "model" else KINDS[offer.kind]  # type: ignore[index]  # all kinds but models
    return [ability.__name__ for ability in ABILITIES[kind] if isinstance(offer.plugin, ability)]


def _pruner_facts(offer: Offer) -> Iterator[tuple[str, str]]:
    pruner = offer.plugin
    own = pruner.granularities if isinstance(pruner, PrunesOnly) else GRANULARITIES
    defined = [granularity for granularity in GRANULARITIES if granularity in own]
    scopes = pruner.scopes if isinstance(pruner, Scoped) else {}
    yield "granularities", ", ".join(f"{g} (scope {scopes.get(g, 'global')})" for g in defined)
    if not isinstance(pruner, NeedsArgument):
        looked_at = {granularity: _evidence(offer, granularity) for granularity in defined}
        alike = len({*looked_at.values()}) == 1
        shown = [*looked_at.values()][:1] if alike else [f"{e} ({g})" for g, e in looked_at.items()]
        yield "looks at", "; ".join(shown)


def _evidence(offer: Offer, granularity: Granularity) -> str:
    """What it looks at, of a small network; imported here, since PyTorch takes seconds."""
    from harness.networks.surgery import coupled_layers
    from harness.pruning.evidence import RecordedEvidence
    from harness.pruning.scoring import scores_of
    from harness.training.synthetic import NoiseImages, residual_network

    network, (images, labels) = residual_network(), NoiseImages().tensors
    evidence = RecordedEvidence(
        network,
        granularity=granularity,
        batches=[(images, labels)],
        coupled=coupled_layers(network, images[:2]) if granularity == "channel" else None,
        seed=0,
    )
    try:
        scores_of(offer.plugin, evidence)
    except (Exception, SystemExit) as error:
        return failure_reason(error)
    return ", ".join(sorted(evidence.touched)) or "nothing"
