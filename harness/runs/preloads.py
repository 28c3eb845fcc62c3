"""Preloads: modules that worker processes begin with, and what the main process imports meanwhile."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from harness.contracts.options import Preloads

if TYPE_CHECKING:
    from harness.contracts.data import Dataset

WORKER_MODULES = (
    "harness.machine.clock", "torch", "timm", "torch_pruning", "harness.runs._training_jobs",
    "harness.measuring.timing_process", "harness.measuring.memory_measurement",
    "harness.measuring.backend_evaluation", "click",
)  # fmt: skip
"""What every job of a run imports, the clock before any plugin; the last is for the main program."""
RUN_MODULES = ("scipy.stats", "statsmodels.stats.multitest", "harness.runs.runner")
"""What the main process of a run needs: seconds of imports, PyTorch's among them."""


def preloads_of(*datasets: Dataset) -> tuple[str, ...]:
    """Module names for workers of a run, the datasets' own among them, each once."""
    own = [name for dataset in datasets if isinstance(dataset, Preloads) for name in dataset.preloads]
    return (*dict.fromkeys((*WORKER_MODULES, *own)),)


def import_for_run() -> None:
    """Import what carries out a plan, while the workers' server is at imports of its own."""
    for module in RUN_MODULES:
        import_module(module)
