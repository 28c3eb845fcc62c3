"""Grid: the cross-product of axes, and the cells that its trials have a row for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, product
from typing import TYPE_CHECKING, Any, Literal, get_args

from harness.contracts.backends import LimitsBatch
from harness.contracts.evidence import Scope
from harness.contracts.granularity import pattern
from harness.contracts.pruners import Penalises, Scoped
from harness.machine.device import Device
from harness.planning.axis_selection import checked_levels
from harness.planning.witness import Witness
from harness.storage.keys import measurement_key
from harness.trials.rival import Rival
from harness.trials.spec import Dense, Trial
from harness.trials.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.contracts.backends import Backend
    from harness.contracts.data import Dataset, Model
    from harness.contracts.pruners import Pruner
    from harness.contracts.schedules import Schedule
    from harness.planning.model_inputs import ModelInputs
    from harness.training.recipe import Arithmetic, Recipe
    from harness.trials.rival import SmallerNetwork
    from harness.trials.target import Quantity

CHANNEL_FLOOR = 0.1
"""Of a layer's channels: with fewer, criteria that compare over the network close whole layers."""
ScopeChoice = Literal["published", "global", "local", "row", "erk", "isomorphic"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Cell of the grid: the row of one level of a subject on one backend at one batch size."""

    subject: Trial | Rival | Dense
    sparsity: float
    backend: Backend
    batch: int
    settings: dict[str, Any]
    key: str
    device: Device = Device()

    @property
    def dense(self) -> Dense:
        """Dense model that it is compared with."""
        return self.subject if isinstance(self.subject, Dense) else self.subject.dense

    @property
    def network(self) -> Dense:
        """Dense model whose architecture its snapshot is built from."""
        return self.subject.network

    @property
    def impossible(self) -> str | None:
        """Reason why it cannot run, as far as that is known beforehand."""
        most = self.backend.most_images if isinstance(self.backend, LimitsBatch) else self.batch
        if self.batch > most:
            return f"{self.backend.name} runs no more than {most} at a time"
        return self.subject.impossible


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Grid of a run: every axis, resolved from names to plugins; `devices` by backend.

    `inputs` are the data sets that models read. Levels are fractions of `quantity`, latencies on
    `target_backend`. A model trains in one of `arithmetics`, by name, or in that of the recipe.
    `witness` leaves criteria out where zeros save nothing, and `methods`, where given, are the only
    ones. `rivals` are the smaller networks that stand beside what is pruned of a model, by its name.
    Patterns `keep` and `only` say which layers may lose any.
    """

    models: Sequence[Model]
    inputs: ModelInputs
    pruners: Sequence[Pruner]
    granularities: Sequence[str]
    scope: ScopeChoice
    schedules: Sequence[Schedule]
    levels: Sequence[float]
    seeds: Sequence[int]
    backends: Sequence[Backend]
    devices: Mapping[str, Device]
    batches: Sequence[int]
    threads: int
    recipe: Recipe
    weights: Path | None = None
    reset_classifier: bool = False
    quantity: Quantity = "params"
    target_backend: Backend | None = None
    arithmetics: Mapping[str, Arithmetic] = field(default_factory=dict)
    witness: Witness = Witness()
    penalty_epochs: float = 0.0
    layer_floor: float | None = None
    keep: str = ""
    only: str = ""
    methods: frozenset[tuple[str, str, str, str]] | None = None
    rivals: Mapping[str, Sequence[SmallerNetwork]] = field(default_factory=dict)

    @property
    def dataset(self) -> Dataset:
        """Data set of all models, whatever they make of its images."""
        return self.inputs.dataset

    @property
    def networks(self) -> list[Model]:
        """Networks that are trained: the models, and their rivals."""
        rivals = [smaller.model for own in self.rivals.values() for smaller in own]
        return list({model.name: model for model in (*self.models, *rivals)}.values())

    @property
    def trains(self) -> bool:
        """Whether anything is trained."""
        return self.recipe.trains(self.penalty_epochs)

    @cached_property
    def target(self) -> Target:
        """Target of all levels; a latency is of a batch of the smallest size that is timed."""
        if self.target_backend is None:
            return Target(quantity=self.quantity)
        return Target(
            quantity=self.quantity,
            backend=self.target_backend,
            facts=self.devices[self.target_backend.name].facts,
            batch=min(self.batches),
            threads=self.threads,
        )

    def dense_models(self) -> list[Dense]:
        """Dense models, one for every model and seed."""
        return [
            Dense(
                model=model,
                dataset=self.inputs.of(model),
                data_hash=self.inputs.data_hash(model),
                seed=seed,
                recipe=self._recipe(model),
                weights=self.weights,
                reset_classifier=self.reset_classifier,
            )
            for model, seed in product(self.models, self.seeds)
        ]

    def _recipe(self, model: Model) -> Recipe:
        arithmetic = self.arithmetics.get(model.name, self.recipe.arithmetic)
        return replace(self.recipe, arithmetic=arithmetic)

    def trials(self, dense_models: Sequence[Dense]) -> list[Trial | Rival]:
        """Trials, one for every method and dense model, then the rivals of each dense model."""
        every: Iterable[Trial | Rival] = chain(
            self._pruning_trials(dense_models), self._rivals(dense_models)
        )
        return [trial for trial in every if self.methods is None or trial.method in self.methods]

    def _pruning_trials(self, dense_models: Sequence[Dense]) -> Iterator[Trial]:
        levels = checked_levels(self.levels)
        axes = product(dense_models, self.pruners, self.granularities, self.schedules)
        for dense, pruner, granularity, schedule in axes:
            if self.witness.runs(pruner.name, granularity):
                yield Trial(
                    dense=dense,
                    pruner=pruner,
                    granularity=granularity,
                    scope=_scope(pruner, granularity, self.scope),
                    schedule=schedule,
                    levels=pattern(granularity).levels or levels,
                    target=self.target,
                    layer_floor=self._layer_floor(granularity),
                    keep=self.keep,
                    only=self.only,
                    penalty_epochs=self.penalty_epochs if isinstance(pruner, Penalises) else 0.0,
                )

    def _rivals(self, dense_models: Sequence[Dense]) -> Iterator[Rival]:
        """Rivals train as long as a dense model and what is pruned of it together."""
        for dense in dense_models:
            for smaller in self.rivals.get(dense.model.name, ()):
                recipe = self._recipe(smaller.model)
                epochs = recipe.dense_epochs + recipe.finetune_epochs
                network = replace(
                    dense,
                    model=smaller.model,
                    dataset=self.inputs.of(smaller.model),
                    data_hash=self.inputs.data_hash(smaller.model),
                    recipe=replace(recipe, dense_epochs=epochs),
                    weights=None,
                    reset_classifier=False,
                )
                yield Rival(dense=dense, network=network, level=smaller.level, target=self.target)

    def _layer_floor(self, granularity: str) -> float:
        """Least fraction of a layer that stays: by default of channels, whose layers may close."""
        chosen = pattern(granularity)
        if chosen.scored == "channel":
            return CHANNEL_FLOOR if self.layer_floor is None else self.layer_floor
        plain = chosen.n_of_m is None and chosen.block is None
        return self.layer_floor if plain and self.layer_floor is not None else 0.0

    def cells(self, subjects: Sequence[Trial | Rival | Dense]) -> Iterator[Cell]:
        """Cells of dense models and trials, level by level."""
        timings = [
            (backend, self._timing_settings(backend, batch))
            for backend, batch in product(self.backends, self.batches)
        ]
        for subject, (backend, timing) in product(subjects, timings):
            for level in subject.levels:
                settings = {**subject.settings, "trial": subject.key, "sparsity": level, **timing}
                yield Cell(
                    subject=subject,
                    sparsity=level,
                    backend=backend,
                    batch=timing["batch"],
                    settings=settings,
                    key=measurement_key(settings),
                    device=self.devices[backend.name],
                )

    def _timing_settings(self, backend: Backend, batch: int) -> dict[str, Any]:
        """Settings that all cells of a backend and batch size have."""
        facts = self.devices[backend.name].facts
        return {
            "backend": backend.name,
            "batch": batch,
            "threads": self.threads,
            "device": facts["device"],
            "runtime": facts["runtime"],
            "target": self.target.name,
            "keep": self.keep,
            "only": self.only,
        }


def _scope(pruner: Pruner, granularity: str, choice: ScopeChoice) -> Scope:
    chosen = pattern(granularity)
    if chosen.n_of_m:
        # What compares is m weights, whatever the choice.
        return "local"
    if choice != "published":
        return choice
    published = pruner.scopes.get(chosen.scored, "global") if isinstance(pruner, Scoped) else "global"
    # One that does not exist is the trial's to refuse, in a row of its own.
    known = published in get_args(Scope)
    return published if published in chosen.scopes or not known else "local"
