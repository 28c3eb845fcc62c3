"""Accuracy on the test split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader

from harness.training.arithmetic import laid_out, take_to

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contracts.backends import Run
    from harness.contracts.data import Dataset
    from harness.training.recipe import Arithmetic


EVALUATION_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Which test images are right (bool, in the order of the split), and the rates."""

    correct: Tensor
    top1: float
    top5: float | None


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
