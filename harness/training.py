"""One training loop and one evaluation loop, for dense and pruned models alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Subset

from harness.arithmetic import device_of, laid_out, loss_of, take_to
from harness.contracts import Augments
from harness.regrowth import MovingMasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor, nn
    from torch.utils.data import Dataset as TorchDataset

    from harness.contracts import Dataset, Part, Regrowth, Run
    from harness.recipe import Arithmetic, Recipe

EVALUATION_BATCH = 256
WARMUP_FRACTION = 0.1


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Which test images are right (bool, in the order of the split), and the rates."""

    correct: Tensor
    top1: float
    top5: float | None


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A learning-rate curve, or the part of one from `first` to `last` (fractions of its length).

    A linear warm-up over the first tenth to `peak`, then a cosine to zero.
    """

    peak: float
    first: float = 0.0
    last: float = 1.0


def train(
    model: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    *,
    epochs: float,
    rate: Rate,
    seed: int,
    masks: Mapping[str, Tensor] | None = None,
    penalty: Callable[[float], Tensor] | None = None,
    regrowth: Regrowth | None = None,
) -> None:
    """Train in place for `epochs` (fractions count in steps), masked weights exactly zero after.

    timm's optimiser and cosine schedule, stepped per update. `penalty` is given the progress and adds
    to each batch's loss; with `regrowth` the masks move. All randomness comes from `seed`.
    """
    from timm.scheduler import CosineLRScheduler  # type: ignore[attr-defined]  # timm re-exports untyped

    apply_masks(model, masks)
    first, last, whole = _steps(rate, epochs * steps_per_epoch(dataset, recipe))
    if first == last:
        return
    take_to(model.train(), recipe.arithmetic)
    optimizer = _optimizer(model, recipe, rate)
    warmup = int(whole * WARMUP_FRACTION)
    schedule = CosineLRScheduler(
        optimizer, t_initial=whole, warmup_t=warmup, warmup_prefix=False, t_in_epochs=False
    )
    batches = _endless_batches(dataset, recipe, seed=seed)
    kept = {name: keep.to(device_of(recipe.arithmetic)) for name, keep in (masks or {}).items()}
    moving = MovingMasks(model, kept, optimizer, regrowth, steps=last - first)
    torch.manual_seed(seed)
    for step in range(first, last):
        schedule.step_update(step)
        images, labels = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model, images, labels, recipe.arithmetic)
        if penalty:
            loss = loss + penalty((step - first) / (last - first))
        loss.backward()
        if not moving.moved(step - first):
            optimizer.step()
        apply_masks(model, moving.masks)
    take_to(model.eval(), "")


def _optimizer(model: nn.Module, recipe: Recipe, rate: Rate) -> Any:  # noqa: ANN401 -- timm's
    from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]  # timm re-exports untyped

    # One pass over the weights where there were five; contiguous floats come out to the same bit.
    own: dict[str, Any] = {"fused": True} if recipe.optimizer == "sgd" else {}
    return create_optimizer_v2(
        model, opt=recipe.optimizer, lr=rate.peak, weight_decay=recipe.weight_decay, **own
    )


def _steps(rate: Rate, steps: float) -> tuple[int, int, int]:
    """Where on its curve training begins and ends, and how long the whole curve would be."""
    if steps == 0:
        return 0, 0, 0
    whole = round(steps / (rate.last - rate.first))
    return round(rate.first * whole), round(rate.last * whole), whole


def steps_per_epoch(dataset: Dataset, recipe: Recipe) -> int:
    """Updates an epoch makes; the images of an incomplete last batch wait for the next shuffle."""
    return max(1, _size(dataset.split("train")) // recipe.train_batch)


def _size(split: TorchDataset[tuple[Tensor, int]]) -> int:
    return len(split)  # type: ignore[arg-type]  # torch's Dataset declares no __len__


def apply_masks(model: nn.Module, masks: Mapping[str, Tensor] | None) -> None:
    """Set what the keep masks drop to exactly zero, in place."""
    if masks:
        with torch.no_grad():
            parameters = dict(model.named_parameters())
            for name, keep in masks.items():
                parameters[name].masked_fill_(~keep, 0.0)


def _endless_batches(dataset: Dataset, recipe: Recipe, *, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    split = dataset.split("train")
    augmentation = torch.Generator().manual_seed(seed + 1)
    loader = DataLoader(
        split,
        batch_size=recipe.train_batch,
        shuffle=True,
        # A batch of one image has no variance for a norm to train on.
        drop_last=_size(split) > recipe.train_batch,
        generator=torch.Generator().manual_seed(seed),
    )
    while True:
        for images, labels in loader:
            if recipe.augmented and isinstance(dataset, Augments):
                yield dataset.augment(images, augmentation), labels
            else:
                yield images, labels


def evaluate(model: nn.Module, dataset: Dataset) -> Evaluation:
    """Accuracy on the test split, in evaluation mode; top-5 where there are more than 5 classes."""
    # The order of an image's numbers in which large batches are fastest, depthwise layers fourfold.
    layout: Arithmetic = "channels_last"

    def run(images: Tensor) -> Tensor:
        logits: Tensor = model(laid_out(images, layout))
        return logits

    take_to(model.eval(), layout)
    found = evaluate_run(run, dataset, batch=EVALUATION_BATCH)
    take_to(model, "")
    return found


def evaluate_run(run: Run, dataset: Dataset, *, batch: int) -> Evaluation:
    """The same of whatever runs a model, for at most `batch` images at a time."""
    first: list[Tensor] = []
    among_five: list[Tensor] = []
    depth = 5 if dataset.classes > 5 else 1
    loader = DataLoader(dataset.split("test"), batch_size=batch)
    with torch.inference_mode():
        for images, labels in loader:
            hits = run(images).topk(depth, dim=1).indices == labels[:, None]
            first.append(hits[:, 0])
            among_five.append(hits.any(dim=1))
    correct = torch.cat(first)
    top5 = float(torch.cat(among_five).double().mean()) if depth == 5 else None
    return Evaluation(correct=correct, top1=float(correct.double().mean()), top5=top5)


def calibration_batches(
    dataset: Dataset, *, images: int, batch: int, seed: int
) -> list[tuple[Tensor, Tensor]]:
    """The training images that every criterion sees, drawn once for a seed."""
    split = dataset.split("train")
    chosen = torch.randperm(_size(split), generator=torch.Generator().manual_seed(seed))[:images]
    loader = DataLoader(Subset(split, chosen.tolist()), batch_size=batch)
    return [(inputs, labels) for inputs, labels in loader]


def drawn_images(dataset: Dataset, part: Part, count: int, *, seed: int) -> Tensor:
    """`(count, channels, height, width)` in an order of the seed; some again where there are fewer."""
    split = dataset.split(part)
    order = torch.randperm(_size(split), generator=torch.Generator().manual_seed(seed)).tolist()
    return torch.stack([split[order[place % len(order)]][0] for place in range(count)])
