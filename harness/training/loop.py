"""Training loop, for dense and pruned models alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from harness.contracts.data import Augments
from harness.pruning.masks import apply_masks
from harness.training._moving_masks import MovingMasks
from harness.training.arithmetic import device_of, loss_of, move_model
from harness.training.learning_rate import Rate, curve_steps
from harness.training.sampling import split_size, steps_per_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor, nn

    from harness.contracts.data import Dataset
    from harness.contracts.schedules import Regrowth
    from harness.training.recipe import Recipe

WARMUP_FRACTION = 0.1


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """Training job: how long a model trains, at which learning rate, and what holds it sparse.

    Fractions of `epochs` count in steps. Weights that the keep `masks` drop are exactly zero after;
    with `regrowth` the masks move. `penalty` takes the progress in [0, 1] and adds to each batch's
    loss. All randomness comes from `seed`.
    """

    epochs: float
    rate: Rate
    seed: int
    masks: Mapping[str, Tensor] = field(default_factory=dict)
    penalty: Callable[[float], Tensor] | None = None
    regrowth: Regrowth | None = None


def train(model: nn.Module, dataset: Dataset, recipe: Recipe, job: TrainingJob) -> None:
    """Train in place, with timm's optimiser and its cosine schedule, stepped per update."""
    apply_masks(model, job.masks)
    first, last, whole = curve_steps(job.rate, job.epochs * steps_per_epoch(dataset, recipe))
    if first == last:
        return
    move_model(model.train(), recipe.arithmetic)
    optimizer = _optimizer(model, recipe, job.rate)
    schedule = _schedule(optimizer, job.rate, whole)
    batches = _endless_batches(dataset, recipe, seed=job.seed)
    masks = {name: keep.to(device_of(recipe.arithmetic)) for name, keep in job.masks.items()}
    moving = MovingMasks(model, masks, optimizer, job.regrowth, steps=last - first)
    torch.manual_seed(job.seed)
    for step in range(first, last):
        schedule.step_update(step)
        images, labels = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model, images, labels, recipe.arithmetic)
        if job.penalty:
            loss = loss + job.penalty((step - first) / (last - first))
        loss.backward()
        if not moving.move_masks(step - first):
            optimizer.step()
        apply_masks(model, moving.masks)
    move_model(model.eval(), "")


def _schedule(optimizer: Any, rate: Rate, steps: int) -> Any:  # noqa: ANN401 -- timm's
    from timm.scheduler import CosineLRScheduler  # type: ignore[attr-defined]  # timm re-exports untyped

    warmup = int(steps * WARMUP_FRACTION)
    # From timm's own start, a rate of 0, the first step of every training would be lost.
    return CosineLRScheduler(
        optimizer,
        t_initial=steps,
        warmup_t=warmup,
        warmup_lr_init=rate.peak / (warmup + 1),
        warmup_prefix=False,
        t_in_epochs=False,
    )


def _optimizer(model: nn.Module, recipe: Recipe, rate: Rate) -> Any:  # noqa: ANN401 -- timm's
    from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]  # timm re-exports untyped

    # One pass over the weights where there were five; contiguous floats come out to the same bit.
    options: dict[str, Any] = {"fused": True} if recipe.optimizer == "sgd" else {}
    optimizer = create_optimizer_v2(
        model, opt=recipe.optimizer, lr=rate.peak, weight_decay=recipe.weight_decay, **options
    )
    for group in optimizer.param_groups if options else ():
        for parameter in group["params"]:
            # As at the first step; fused, it takes no weight whose first gradient comes later.
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def _endless_batches(dataset: Dataset, recipe: Recipe, *, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    split = dataset.split("train")
    augmentation = torch.Generator().manual_seed(seed + 1)
    loader = DataLoader(
        split,
        batch_size=recipe.train_batch,
        shuffle=True,
        # A batch of one image has no variance for a norm to train on.
        drop_last=split_size(split) > recipe.train_batch,
        generator=torch.Generator().manual_seed(seed),
    )
    while True:
        for images, labels in loader:
            if recipe.augmented and isinstance(dataset, Augments):
                yield dataset.augment(images, augmentation), labels
            else:
                yield images, labels
