"""Evaluation: accuracy on the test split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader

from harness.training.arithmetic import move_images, move_model
from harness.training.sampling import images_at_once

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contracts.backends import Run
    from harness.contracts.data import Dataset
    from harness.training.recipe import Arithmetic


EVALUATION_BATCH_IMAGES = 256


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Evaluation: which test images are right `(images,)` in the split's order, and the rates.

    `chance` is the rate of the best constant answer: the commonest class's share of the images.
    """

    correct: Tensor
    top1: float
    top5: float | None
    chance: float


def evaluate(model: nn.Module, dataset: Dataset) -> Evaluation:
    """Evaluate a model on the test split; top-5 where there are more than 5 classes."""
    # The order of an image's numbers in which large batches are fastest, depthwise layers fourfold.
    layout: Arithmetic = "channels_last"

    def run(images: Tensor) -> Tensor:
        logits: Tensor = model(move_images(images, layout))
        return logits

    move_model(model.eval(), layout)
    batch = images_at_once(dataset, EVALUATION_BATCH_IMAGES)
    evaluation = evaluate_run(run, dataset, batch=batch)
    move_model(model, "")
    return evaluation


def evaluate_run(run: Run, dataset: Dataset, *, batch: int) -> Evaluation:
    """Evaluate whatever runs a model on the test split, at most `batch` images at a time."""
    first: list[Tensor] = []
    among_five: list[Tensor] = []
    counts = torch.zeros(dataset.classes, dtype=torch.long)
    depth = 5 if dataset.classes > 5 else 1
    loader = DataLoader(dataset.split("test"), batch_size=batch)
    with torch.inference_mode():
        for images, labels in loader:
            hits = run(images).topk(depth, dim=1).indices == labels[:, None]
            first.append(hits[:, 0])
            among_five.append(hits.any(dim=1))
            counts += labels.bincount(minlength=dataset.classes)
    correct = torch.cat(first)
    top5 = float(torch.cat(among_five).double().mean()) if depth == 5 else None
    return Evaluation(
        correct=correct,
        top1=float(correct.double().mean()),
        top5=top5,
        chance=int(counts.max()) / correct.numel(),
    )
