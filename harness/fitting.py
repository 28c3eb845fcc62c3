"""Training a model and keeping what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.snapshot import save_snapshot
from harness.training import train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.artifacts import ArtifactStore
    from harness.grid import Dense
    from harness.surgery import History
    from harness.timesheet import Timesheet


def fit(
    key: str,
    model: nn.Module,
    *,
    dense: Dense,
    store: ArtifactStore,
    epochs: float,
    peak_lr: float,
    seed: int,
    timesheet: Timesheet,
    masks: Mapping[str, Tensor] | None = None,
    history: History | None = None,
) -> None:
    """Train in place by the recipe of `dense`, then keep a snapshot under the key."""
    dataset, recipe = dense.dataset, dense.recipe
    began = time.perf_counter()
    train(model, dataset, recipe, epochs=epochs, peak_lr=peak_lr, seed=seed, masks=masks)
    spent = time.perf_counter() - began
    timesheet.add("training", spent)
    save_snapshot(
        store,
        key,
        model,
        dataset=dataset,
        history=history or [],
        train_seconds=spent,
        timesheet=timesheet,
    )
