"""The arithmetic that each model of a grid trains in, where none was named: the fastest here."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness.artifacts import ArtifactStore
from harness.environment import cpu_name
from harness.keys import digest, source_hash
from harness.pixels import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.contracts import Dataset, Model
    from harness.engine import Engine
    from harness.grid import Grid
    from harness.recipe import Arithmetic

WORTH = 0.95
"""Of the time in 32-bit floats: what saves less is not worth other numbers."""


def in_arithmetic_of(grid: Grid, rows: Sequence[Mapping[str, Any]]) -> Grid:
    """The grid, each model trained as the rows of it that there are."""
    earlier = {row["model"]: row["arithmetic"] for row in rows if row["dataset"] == grid.dataset.name}
    return replace(grid, arithmetics={**earlier, **grid.arithmetics})


def in_fastest_arithmetic(grid: Grid, engine: Engine, *, say: Callable[[str], object]) -> Grid:
    """The grid, each model that has no arithmetic yet trained in the fastest one.

    Measured on the engine's processes where the machine does not remember it: in the cache, as images
    are. A model that cannot be measured trains in 32-bit floats.
    """
    from harness.speeds import SpeedJob, training_speeds

    store = ArtifactStore(cache_folder() / "speeds")
    models = {model.name: model for model in grid.models if model.name not in grid.arithmetics}
    keys = {name: _key(model, grid.dataset) for name, model in models.items()}
    found = {name: store.record(key) for name, key in keys.items()}
    jobs = {
        f"training speed of {name}": SpeedJob(model=model, dataset=grid.dataset)
        for name, model in models.items()
        if found[name] is None
    }
    for label, outcome in engine.run(training_speeds, jobs, watching=lambda _: None):
        name = jobs[label].model.name
        if outcome.value is None:
            say(f"{label} is not known: {outcome.failure}")
        else:
            found[name] = outcome.value
            store.write_record(keys[name], outcome.value)
    chosen = {name: fastest(speeds or {}) for name, speeds in found.items()}
    for name, arithmetic in chosen.items():
        if arithmetic:
            say(_sentence(name, arithmetic, found[name] or {}))
    return replace(grid, arithmetics={**grid.arithmetics, **chosen})


def fastest(speeds: Mapping[str, float]) -> Arithmetic:
    """The arithmetic of the least milliseconds, 32-bit floats where those are about as fast."""
    if not speeds:
        return ""
    least: Any = min(speeds, key=lambda arithmetic: speeds[arithmetic])
    return least if speeds[least] < WORTH * speeds[""] else ""


def _key(model: Model, dataset: Dataset) -> str:
    facts = [model.name, source_hash(model), dataset.shape, dataset.classes]
    return f"{model.name}-{digest([*facts, cpu_name(), version('torch')])}"


def _sentence(name: str, arithmetic: str, speeds: Mapping[str, float]) -> str:
    ratio = speeds[""] / speeds[arithmetic]
    return f"{name} trains in {arithmetic}, {ratio:.1f} times as fast here as in 32-bit floats"
