"""Sampling of images for calibration, examples and export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

if TYPE_CHECKING:
    from torch.utils.data import Dataset as TorchDataset

    from harness.contracts.data import Dataset, Part
    from harness.training.recipe import Recipe

MAX_PIXELS_AT_ONCE = 16 * 224 * 224


def example_batch(dataset: Dataset, batch: int) -> Tensor:
    """Example batch: seeded noise shaped like the dataset's images."""
    return torch.randn(batch, *dataset.shape, generator=torch.Generator().manual_seed(0))


def images_at_once(dataset: Dataset, most: int) -> int:
    """Images that a model is run on at once where how many is free: fewer of larger ones.

    Sixteen of 224 pixels take a quarter of the memory of 256, and half of the time: activations stay in
    the processor's caches.
    """
    _, height, width = dataset.shape
    return max(1, min(most, MAX_PIXELS_AT_ONCE // (height * width)))


def steps_per_epoch(dataset: Dataset, recipe: Recipe) -> int:
    """Steps (updates) per epoch; the images of an incomplete last batch wait for the next shuffle."""
    return max(1, split_size(dataset.split("train")) // recipe.train_batch)


def split_size(split: TorchDataset[tuple[Tensor, int]]) -> int:
    """Number of images of a split."""
    return len(split)  # type: ignore[arg-type]  # torch's Dataset declares no __len__


def calibration_batches(
    dataset: Dataset, *, images: int, batch: int, seed: int
) -> list[tuple[Tensor, Tensor]]:
    """Calibration batches: the training images that every criterion sees, drawn once for a seed."""
    split = dataset.split("train")
    chosen = torch.randperm(split_size(split), generator=torch.Generator().manual_seed(seed))[:images]
    loader = DataLoader(Subset(split, chosen.tolist()), batch_size=batch)
    return [(inputs, labels) for inputs, labels in loader]


def drawn_images(dataset: Dataset, part: Part, count: int, *, seed: int) -> Tensor:
    """Sampled images `(count, channels, height, width)` in an order of the seed, some repeated."""
    split = dataset.split(part)
    order = torch.randperm(split_size(split), generator=torch.Generator().manual_seed(seed)).tolist()
    return torch.stack([split[order[index % len(order)]][0] for index in range(count)])
