"""Trained models in the store: dense ones, whole or up to a place, and pruned ones."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load, save

from harness.contracts.data import Augments, Pretrained
from harness.machine.time_breakdown import TimeBreakdown
from harness.storage.keys import stable_seed
from harness.training.images.dataset_check import check_images
from harness.training.learning_rate import Rate
from harness.training.loop import TrainingJob, train
from harness.training.norm_statistics import estimate_norm_statistics
from harness.training.sampling import calibration_batches
from harness.training.weights_file import load_weights
from harness.trials._model_check import check_model
from harness.trials.snapshot import check_rebuild, rebuild, save_snapshot, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from harness.networks.channel_groups import CutsCopies
    from harness.networks.surgery import History
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.spec import Dense

CALIBRATION_IMAGES = 256
NORM_BATCH_IMAGES = 64


def train_and_save(
    key: str,
    model: nn.Module,
    job: TrainingJob,
    *,
    dense: Dense,
    store: ArtifactStore,
    time_breakdown: TimeBreakdown,
    history: History | None = None,
    traced: CutsCopies | None = None,
) -> None:
    """Train in place by the recipe of `dense`, then save a snapshot under the key.

    A model that was trained or cut gets norm statistics of its own; one taken as it is keeps its own.
    """
    began = time.perf_counter()
    train(model, dense.dataset, dense.recipe, job)
    if dense.recipe.norms == "own" and (job.epochs or job.masks or history):
        estimate_norm_statistics(model, _norm_batches(dense))
    seconds = time.perf_counter() - began
    time_breakdown.add("training", seconds)
    save_snapshot(
        store,
        key,
        model,
        model=dense.model,
        dataset=dense.dataset,
        history=history or [],
        train_seconds=seconds,
        time_breakdown=time_breakdown,
        traced=traced,
    )


def calibration_of(dense: Dense, *, batch: int) -> list[tuple[Tensor, Tensor]]:
    """Calibration batches of a seed: what criteria and norm statistics see of the data."""
    return calibration_batches(
        dense.dataset,
        images=CALIBRATION_IMAGES,
        batch=batch,
        seed=stable_seed(dense.seed, "calibration"),
    )


def _norm_batches(dense: Dense) -> Iterator[tuple[Tensor, Tensor]]:
    """Calibration batches as training shows them, augmented: what norms have averaged over there."""
    generator = torch.Generator().manual_seed(stable_seed(dense.seed, "norms"))
    for images, labels in calibration_of(dense, batch=NORM_BATCH_IMAGES):
        if dense.recipe.augmented and isinstance(dense.dataset, Augments):
            yield dense.dataset.augment(images, generator), labels
        else:
            yield images, labels


def train_dense(
    dense: Dense, store: ArtifactStore, *, time_breakdown: TimeBreakdown | None = None
) -> None:
    """Train the dense model and save it, unless it is in the store already."""
    train_to(1.0, dense, store, time_breakdown=time_breakdown or TimeBreakdown())


def train_to(place: float, dense: Dense, store: ArtifactStore, *, time_breakdown: TimeBreakdown) -> str:
    """Train the dense model up to that place, 0 being its initialisation; the key of its snapshot.

    Nothing is trained where that is in the store already. Its steps are those that the whole training
    begins with. One thread, so that the numbers do not depend on the machine's cores.
    """
    torch.set_num_threads(1)
    key = dense.key if place >= 1.0 else f"{dense.key}@{place:g}"
    if key not in store:
        job = TrainingJob(
            epochs=place * dense.recipe.dense_epochs,
            rate=Rate(peak=dense.recipe.dense_lr, last=place),
            seed=stable_seed(dense.seed, "dense"),
        )
        check_images(dense.dataset)
        model = _initial_model(dense)
        train_and_save(key, model, job, dense=dense, store=store, time_breakdown=time_breakdown)
    return key


def _initial_model(dense: Dense) -> nn.Module:
    """Initial model. Raises HarnessError where it cannot be pruned, or not be read back."""
    torch.manual_seed(dense.seed)
    if isinstance(dense.model, Pretrained):
        model = dense.model.build_pretrained(dense.dataset)
    else:
        model = dense.model.build(dense.dataset)
        if dense.weights is not None:
            load_weights(model, dense.weights, dense.dataset, reset_classifier=dense.reset_classifier)
    check_model(model, name=dense.model.name, dataset=dense.dataset)
    # As a file would hold it: two tensors of one memory it cannot.
    state = load(save(state_of(model)))
    again = partial(rebuild, dense.model, dense.dataset, state, history=[])
    check_rebuild(model, again, name=dense.model.name, dataset=dense.dataset)
    return model
