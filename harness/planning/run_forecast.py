"""Forecast of a run: its phases in their order, and about how many seconds each takes.

Rough, and corrected while it runs: what an epoch takes is known from the machine, the rest are medians
of runs on two cores.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.planning.training_cost import cost_shared, trial_epochs
from harness.training.sampling import steps_per_epoch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.planning.plan import Plan

SCORING, EXPORT, INSPECTION, MEMORY = 0.3, 0.6, 0.25, 0.15
"""Seconds of one, of a small network, on one core; models of one architecture share their memory's."""
TIMED_FRACTION = 0.4
"""Of the seconds that timing may take: most models are timed precisely enough before."""
TIMING_START = 4.0
"""Seconds of processes that start, load and warm up, before so many models are timed together."""
MODELS_TOGETHER = 32
UNKNOWN_STEP = 60.0
"""Milliseconds of a training step where the machine has not tried one."""


def run_forecast(
    stages: Sequence[Plan], *, step_ms: Mapping[str, float], workers: int, timing_seconds: float
) -> list[tuple[str, float]]:
    """Phases of a run's stages with their seconds; `step_ms` is a training step's, by model."""
    return [
        phase
        for stage in stages
        if stage.runnable
        for phase in _stage(stage, step_ms, workers=workers, timing_seconds=timing_seconds)
    ]


def _stage(
    plan: Plan, step_ms: Mapping[str, float], *, workers: int, timing_seconds: float
) -> Iterator[tuple[str, float]]:
    cost = cost_shared(plan)
    snapshots = len({(cell.subject.key, cell.sparsity) for cell in plan.runnable})
    timed = len({(cell.backend.name, cell.subject.key, cell.sparsity) for cell in plan.runnable})
    training = _training_seconds(plan, step_ms)
    yield "training", (training + SCORING * cost.scorings + EXPORT * cost.exports) / workers
    yield "inspecting", INSPECTION * snapshots / workers
    yield "memory", MEMORY * timed / workers
    yield (
        "timing",
        math.ceil(timed / MODELS_TOGETHER) * (TIMED_FRACTION * timing_seconds + TIMING_START),
    )


def _training_seconds(plan: Plan, step_ms: Mapping[str, float]) -> float:
    """Of all epochs, one after the other."""
    seconds = 0.0
    for subject, epochs in (
        *((dense, dense.recipe.dense_epochs) for dense in plan.needed_dense_models),
        *((trial.network, trial_epochs(trial)) for trial in plan.pending_trials),
    ):
        steps = epochs * steps_per_epoch(subject.dataset, subject.recipe)
        seconds += steps * step_ms.get(subject.model.name, UNKNOWN_STEP) / 1e3
    return seconds
