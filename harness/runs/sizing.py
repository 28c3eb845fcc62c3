"""A run sized to this machine: in which arithmetic models train, and how many at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from msgspec.json import Decoder

from harness.machine.environment import cpu_name, installed_version
from harness.storage.artifacts import ArtifactStore
from harness.storage.files import cache_folder
from harness.storage.keys import digest, source_hash
from harness.training.recipe import PROFILED_IMAGES, StepCost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.contracts.data import Model
    from harness.engines.engine import Engine
    from harness.planning.grid import Grid
    from harness.training.recipe import Arithmetic

    Say = Callable[[str], object]

WORTHWHILE_FRACTION = 0.95
"""Of the time in 32-bit floats: what saves less is not worth other numbers."""
USABLE_MEMORY_FRACTION = 0.8
"""Of the memory that is free, for workers."""
RECORD_FORMAT = 1
"""Of what is remembered; raised when a step's cost says other things."""


def in_arithmetic_of(grid: Grid, rows: Sequence[Mapping[str, Any]]) -> Grid:
    """The grid, each model trained as the rows of it that there are, and were trained."""
    if not grid.trains:
        return grid
    earlier = {
        row["model"]: row["arithmetic"]
        for row in rows
        if row["dataset"] == grid.dataset.name and (row["dense_epochs"] or row["epochs"])
    }
    return replace(grid, arithmetics={**earlier, **grid.arithmetics})


def remembered_costs(grid: Grid) -> dict[str, StepCost]:
    """What training asks for, by model, of those that were tried on this machine before."""
    records = {model.name: _remembered(_key(model, grid)) for model in grid.networks}
    return {name: step_cost for name, step_cost in records.items() if step_cost is not None}


def training_step_ms(grid: Grid) -> dict[str, float]:
    """Milliseconds of a training step, by model, of those that were tried on this machine before."""
    images = grid.recipe.train_batch / PROFILED_IMAGES
    return {
        name: images * step_cost.milliseconds[arithmetic]
        for name, step_cost in remembered_costs(grid).items()
        if (arithmetic := grid.arithmetics.get(name, fastest(step_cost.milliseconds)))
        in step_cost.milliseconds
    }


def _remembered(key: str) -> StepCost | None:
    """None too where the record was damaged: it is measured again."""
    # As where nothing can be set aside either.
    with suppress(OSError):
        return _store().record(key, Decoder(StepCost).decode)
    return None


def try_training_costs(
    grid: Grid, names: Iterable[str], engine: Engine, *, say: Say
) -> dict[str, StepCost]:
    """The same of models that are tried now on the engine's processes, and remembered.

    A model that cannot be tried is left out, and said.
    """
    from harness.training.step_profile import StepCostJob, measure_step_cost

    images, step_costs = grid.recipe.train_batch, dict[str, StepCost]()
    models = {f"trying to train {m.name}": m for m in grid.networks if m.name in {*names}}
    jobs = {
        label: StepCostJob(model=model, dataset=grid.inputs.of(model), images=images)
        for label, model in models.items()
    }
    for label, outcome in engine.run(measure_step_cost, jobs, watching=lambda _: None):
        if outcome.value is None:
            say(f"{label}: {outcome.failure}")
        else:
            step_costs[models[label].name] = outcome.value
            # Where nothing can be remembered, it is tried again the next time.
            with suppress(OSError):
                _store().write_record(_key(models[label], grid), asdict(outcome.value))
    return step_costs


def in_fastest_arithmetic(grid: Grid, step_costs: Mapping[str, StepCost], *, say: Say) -> Grid:
    """The grid, models that have no arithmetic yet trained in their fastest, or 32-bit floats."""
    chosen = dict[str, "Arithmetic"]()
    for model in grid.networks:
        step_cost = step_costs.get(model.name)
        if model.name not in grid.arithmetics:
            chosen[model.name] = fastest(step_cost.milliseconds) if step_cost else ""
        if step_cost and chosen.get(model.name):
            say(_sentence(model.name, chosen[model.name], step_cost.milliseconds))
    return replace(grid, arithmetics={**grid.arithmetics, **chosen})


def fastest(milliseconds: Mapping[str, float]) -> Arithmetic:
    """The arithmetic of the shortest step, 32-bit floats where those are about as fast."""
    least: Any = min(milliseconds, key=lambda name: milliseconds[name])
    return least if milliseconds[least] < WORTHWHILE_FRACTION * milliseconds[""] else ""


def workers_that_fit(
    workers: int, step_costs: Mapping[str, StepCost], *, free_mb: float, say: Say
) -> int:
    """As many workers as have their memory, one at least."""
    megabytes = [step_cost.megabytes for step_cost in step_costs.values() if step_cost.megabytes]
    most = max(1, int(USABLE_MEMORY_FRACTION * free_mb / max(megabytes))) if megabytes else workers
    if most >= workers:
        return workers
    each = f"each may take {max(megabytes):.0f} MB, and {free_mb:.0f} MB are free"
    say(f"{most} of {workers} workers: {each} (--workers overrules)")
    return most


def _store() -> ArtifactStore:
    """In the cache, as images are."""
    return ArtifactStore(cache_folder() / "demands")


def _key(model: Model, grid: Grid) -> str:
    dataset = grid.inputs.of(model)
    facts = [model.name, source_hash(model), dataset.shape, dataset.classes, grid.recipe.train_batch]
    return f"{model.name}-{digest([RECORD_FORMAT, *facts, cpu_name(), installed_version('torch')])}"


def _sentence(name: str, arithmetic: str, milliseconds: Mapping[str, float]) -> str:
    ratio = milliseconds[""] / milliseconds[arithmetic]
    return f"{name} trains in {arithmetic}, {ratio:.1f} times as fast here as in 32-bit floats"
