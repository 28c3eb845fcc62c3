"""From what was typed to a grid: every name resolved, every number checked, before any work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contracts.data import Pretrained, SharesImages
from harness.errors import HarnessError, UnknownNameError
from harness.machine.availability import why_unavailable
from harness.machine.local_devices import local_devices
from harness.planning.axis_selection import (
    channel_multiples,
    checked_levels,
    checked_numbers,
    chosen_dataset,
    levels_of_speedups,
    selected_granularities,
    whole_numbers,
)
from harness.planning.grid import Grid
from harness.planning.initial_weights import try_weights
from harness.planning.model_inputs import TypedPreprocessing, model_inputs
from harness.planning.witness import chosen_witness
from harness.runs._chosen_controls import with_controls, with_random_controls
from harness.storage.keys import file_name
from harness.training.recipe import Recipe
from harness.trials.rival import check_trained_alike, smaller_networks

if TYPE_CHECKING:
    from harness.contracts.backends import Backend
    from harness.contracts.data import Dataset, Model
    from harness.contracts.meters import Meter
    from harness.discovery.catalogue import Catalogue
    from harness.machine.device import Device
    from harness.planning.grid import ScopeChoice
    from harness.planning.model_inputs import ModelInputs
    from harness.trials.rival import SmallerNetwork
    from harness.trials.target import Quantity

RESULTS = Path("results")
Devices = Callable[[Sequence["Backend"]], Mapping[str, "Device"]]
"""What is asked for where backends are."""
Say = Callable[[str], object]

MOST_IMAGES = 65_536
"""Of a batch that is timed."""
LARGEST_SEED = 2**32 - 1
"""That every library takes."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The axes of a run as text: selections by name, and comma lists of numbers."""

    models: str
    dataset: str
    pruners: str
    granularities: str
    scope: ScopeChoice
    schedules: str
    levels: str
    seeds: str
    backends: str
    batch_sizes: str
    threads: int
    recipe: Recipe
    weights: Path | None = None
    reset_classifier: bool = False
    preprocessing: TypedPreprocessing = TypedPreprocessing()
    target: str = "macs"
    data_dir: Path | None = None
    download: bool = False
    penalty_epochs: float = 0.0
    layer_floor: float | None = None
    rivals: str = ""
    keep: str = ""
    only: str = ""

    def grid(
        self, catalogue: Catalogue, devices: Devices = local_devices, *, say: Say = lambda _: None
    ) -> Grid:
        """Raises HarnessError naming the first value that nothing answers to.

        What a person is to know of its inputs and weights is said as soon as it is known.
        """
        _check_optimizer(self.recipe.optimizer)
        models = catalogue.choose_models(self.models)
        dataset = chosen_dataset(catalogue, self.dataset, folder=self.data_dir, download=self.download)
        if dataset.classes < 2:
            raise HarnessError(f"--dataset {dataset.name} has one class, so all models are right")
        batches = whole_numbers("batch-sizes", self.batch_sizes, least=1, most=MOST_IMAGES)
        if self.weights is not None:
            _check_weights_of_one(self.weights, models)
        rivals = catalogue.choose_models(self.rivals) if self.rivals else []
        inputs = self._inputs(dataset, models, rivals, say)
        if self.keep or self.only:
            _check_layers(models, inputs, keep=self.keep, only=self.only)
        backends, backend_devices = _usable(catalogue, self.backends, devices)
        quantity, target_backend, target_device = self._target(catalogue, devices)
        pruners = with_random_controls(catalogue.choose("pruner", self.pruners))
        return Grid(
            pruners=pruners,
            schedules=with_controls(catalogue.choose("schedule", self.schedules)),
            granularities=selected_granularities(self.granularities, channel_multiples(catalogue)),
            scope=self.scope,
            levels=self._levels(),
            seeds=whole_numbers("seeds", self.seeds, least=0, most=LARGEST_SEED),
            backends=backends,
            devices={**target_device, **backend_devices},
            batches=batches,
            threads=self.threads,
            inputs=inputs,
            models=models,
            recipe=self.recipe,
            weights=self.weights,
            reset_classifier=self.reset_classifier,
            quantity=quantity,
            target_backend=target_backend,
            penalty_epochs=self.penalty_epochs,
            layer_floor=self.layer_floor,
            keep=self.keep,
            only=self.only,
            rivals=self._smaller_networks(models, rivals, inputs, quantity),
            witness=chosen_witness(
                pruners, backends, terms=self.pruners, granularities=self.granularities
            ),
        )

    def _inputs(
        self, dataset: Dataset, models: Sequence[Model], rivals: Sequence[Model], say: Say
    ) -> ModelInputs:
        """What each network reads, its weights tried; both are said."""
        if rivals:
            epochs = self.recipe.dense_epochs + self.recipe.finetune_epochs
            check_trained_alike(models, rivals, fresh=self.weights is None, epochs=epochs)
        networks, from_file = [*models, *rivals], self.weights is not None
        inputs = model_inputs(dataset, networks, self.preprocessing, from_file=from_file)
        if self.recipe.trains(self.penalty_epochs):
            _check_apart(dataset)
        for sentence in inputs.sentences:
            say(sentence)
        tried = try_weights(networks, inputs, self.weights, reset_classifier=self.reset_classifier)
        for sentence in tried:
            say(sentence)
        return inputs

    def _smaller_networks(
        self,
        models: Sequence[Model],
        rivals: Sequence[Model],
        inputs: ModelInputs,
        quantity: Quantity,
    ) -> Mapping[str, Sequence[SmallerNetwork]]:
        """Rivals of each model by its name, those that are smaller than it."""
        if not rivals:
            return {}
        smaller = {
            model.name: smaller_networks(model, rivals, dataset=inputs.of(model), quantity=quantity)
            for model in models
        }
        of_some = {network.model.name for own in smaller.values() for network in own}
        for rival in rivals:
            if rival.name not in of_some:
                names = ", ".join(model.name for model in models)
                raise HarnessError(f"--rivals: {rival.name} is no smaller network than {names}")
        return smaller

    def _levels(self) -> tuple[float, ...]:
        """Levels as fractions of the target that leave; of a speed-up, of the time."""
        if self.target.partition(":")[0] == "speedup":
            return levels_of_speedups(self.levels)
        return checked_levels(checked_numbers("levels", self.levels, float))

    def _target(
        self, catalogue: Catalogue, devices: Devices
    ) -> tuple[Quantity, Backend | None, Mapping[str, Device]]:
        """The quantity; where it is latency, the backend that it is timed on, and its device."""
        quantity, colon, name = self.target.partition(":")
        if quantity in ("latency", "speedup"):
            terms = name if colon else "all"
            catalogue.choose_one("backend", terms, option=f"--target {quantity}:BACKEND")
            [backend], device = _usable(catalogue, terms, devices)
            return "latency", backend, device
        if self.target == "macs":
            return "macs", None, {}
        if self.target != "params":
            raise UnknownNameError(
                "target", self.target, ["params", "macs", "latency:BACKEND", "speedup:BACKEND"]
            )
        return "params", None, {}


def run_folder(grid: Grid, out: Path | None) -> Path:
    """Where the rows go: `results/MODELS-DATASET` unless told otherwise."""
    if out is not None:
        return out
    names = [model.name for model in grid.models]
    shown = "+".join(names) if len(names) <= 3 else f"{names[0]}+{len(names) - 1}-more"
    return RESULTS / file_name(f"{shown}-{grid.dataset.name}")


def _usable(
    catalogue: Catalogue, terms: str, devices: Devices
) -> tuple[list[Backend], Mapping[str, Device]]:
    """Backends that run, and where; one that was asked for by name and does not is an error."""
    chosen: list[Backend] = catalogue.choose("backend", terms)
    by_backend = devices(chosen)
    by_name = {term.strip() for term in terms.split(",")}
    usable = []
    for backend in chosen:
        reason = by_backend[backend.name].reason
        if reason is None:
            usable.append(backend)
        elif backend.name in by_name:
            raise HarnessError(f"backend {backend.name!r} is not available here: {reason}")
    if not usable:
        raise HarnessError(f"{terms!r} leaves no backend that is available here")
    return usable, by_backend


def available_meter(catalogue: Catalogue, terms: str) -> Meter | None:
    """The meter that was asked for. Raises HarnessError where it cannot be read here."""
    if not terms:
        return None
    meter: Meter = catalogue.choose_one("meter", terms, option="--meter")
    reason = why_unavailable(meter)
    if reason is not None:
        raise HarnessError(f"meter {meter.name!r} is not available here: {reason}")
    return meter


def _check_weights_of_one(path: Path, models: Sequence[Model]) -> None:
    if len(models) != 1:
        raise HarnessError(f"--weights: {path} is one model's, and {len(models)} were chosen")
    if isinstance(models[0], Pretrained):
        raise HarnessError(f"--weights: dense training of {models[0].name} starts from weights already")


def _check_apart(dataset: Dataset) -> None:
    """Raises HarnessError where a model would be trained on what it is tested on."""
    if isinstance(dataset, SharesImages) and dataset.is_one_set():
        raise HarnessError(
            f"--dataset {dataset.name} has no train/ and test/ in it, so nothing can be trained: part "
            "its images, or give --dense-epochs 0 --finetune-epochs 0"
        )


def _check_layers(models: Sequence[Model], inputs: ModelInputs, *, keep: str, only: str) -> None:
    """Patterns of layers are checked before anything trains. Raises HarnessError naming a wrong one."""
    from harness.networks.layers import exempt_unreached, prunable_weights
    from harness.training.sampling import example_batch
    from harness.trials.spared_layers import spared_weights

    for model in models:
        dataset = inputs.of(model)
        network = exempt_unreached(model.build(dataset).eval(), example_batch(dataset, 1))
        try:
            spared = spared_weights(network, keep=keep, only=only)
        except UnknownNameError as error:
            raise HarnessError(f"--keep, --only: in {model.name} {error}") from None
        if spared >= prunable_weights(network).keys():
            raise HarnessError(f"--keep, --only: no layer of {model.name} is left to prune")


def _check_optimizer(name: str) -> None:
    # timm takes seconds to import, so the default is trusted.
    if name != Recipe.optimizer:
        from timm.optim import list_optimizers  # type: ignore[attr-defined]  # timm re-exports untyped

        names = [str(optimizer) for optimizer in list_optimizers()]
        if name not in names:
            raise UnknownNameError("optimizer", name, names)
