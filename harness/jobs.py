"""What worker processes do; each function takes one picklable job."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts import SharesGraph
from harness.export import shared_graph
from harness.snapshot import example_batch, load_model
from harness.trial import train_dense, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.artifacts import ArtifactStore
    from harness.contracts import Backend
    from harness.grid import Dense, Trial
    from harness.level import Level


@dataclass(frozen=True, kw_only=True)
class DenseJob:
    """Train one dense model."""

    dense: Dense
    store: ArtifactStore
    backends: Sequence[Backend]


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """Walk one trial."""

    trial: Trial
    store: ArtifactStore
    backends: Sequence[Backend]


def run_dense(job: DenseJob) -> None:
    """Keep the trained dense model and its exports."""
    train_dense(job.dense, job.store)
    _export(job.dense.key, job.dense, job.store, job.backends)


def run_trial(job: TrialJob) -> list[Level]:
    """Keep a snapshot of every level and its exports."""
    levels = list(walk(job.trial, job.store))
    for level in levels:
        if level.status == "ok":
            _export(level.snapshot, job.trial.dense, job.store, job.backends)
    return levels


def _export(key: str, dense: Dense, store: ArtifactStore, backends: Sequence[Backend]) -> None:
    model = load_model(store.folder(key), dense.model, dense.dataset)
    example = example_batch(dense.dataset, 1)
    for backend in backends:
        if isinstance(backend, SharesGraph):
            try:
                shared_graph(backend, model, example, name=dense.model.name, store=store)
            except Exception:
                # The timing process meets the same error and puts it into the row.
                traceback.print_exc()
