"""Modules that worker processes begin with, imported once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.options import Preloads

if TYPE_CHECKING:
    from harness.contracts.data import Dataset

WORKER_MODULES = (
    "harness.machine.clock", "torch", "timm", "torch_pruning", "harness.runs.training_jobs",
    "harness.measuring.timing_process", "harness.measuring.memory_measurement",
    "harness.measuring.backend_evaluation", "click",
)  # fmt: skip
"""What every job of a run imports, the clock before any plugin; the last is for the main program."""


def preloads_of(dataset: Dataset | None = None) -> tuple[str, ...]:
    """Module names for workers of a run, the dataset's own among them."""
    own = dataset.preloads if isinstance(dataset, Preloads) else ()
    return (*WORKER_MODULES, *own)
