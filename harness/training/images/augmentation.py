"""Augmentation of training images, a whole batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor

MAX_SHIFTED_SIDE = 64
PADDING_PIXELS = 4
AREA_RANGE = (0.08, 1.0)
ASPECT_RANGE = (3 / 4, 4 / 3)


def cropped_and_mirrored(images: Tensor, generator: Generator) -> Tensor:
    """Random crop and flip of images.

    Small ones shift by up to four pixels (He 2016), larger ones are cut and scaled (Szegedy 2015).
    `(n, channels, side, side)` to the same; half of them mirrored, all randomness from `generator`.
    """
    import torch

    move = _shift if images.shape[-1] <= MAX_SHIFTED_SIDE else _cut_and_scale
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    return move(images, generator)


def _shift(images: Tensor, generator: Generator) -> Tensor:
    """Shift each image by its own number of pixels, zeros where nothing was."""
    import torch
    import torch.nn.functional as F

    count, _, height, width = images.shape
    padded = F.pad(images, [PADDING_PIXELS] * 4)
    shifts = torch.randint(0, 2 * PADDING_PIXELS + 1, (2, count, 1), generator=generator)
    rows = (shifts[0] + torch.arange(height))[:, :, None]
    columns = (shifts[1] + torch.arange(width))[:, None]
    picked = torch.arange(count)[:, None, None]
    return padded.permute(0, 2, 3, 1)[picked, rows, columns].permute(0, 3, 1, 2)


def _cut_and_scale(images: Tensor, generator: Generator) -> Tensor:
    """Cut a rectangle of random area, aspect and position, scaled to the whole image's size."""
    import torch
    import torch.nn.functional as F

    area, form, x, y = torch.rand(4, len(images), generator=generator)
    share = AREA_RANGE[0] + (AREA_RANGE[1] - AREA_RANGE[0]) * area
    low, high = torch.tensor(ASPECT_RANGE).log()
    ratio = (low + (high - low) * form).exp()
    # Fractions of the sides; a rectangle that would reach beyond is as wide or high as the image.
    width, height = (share * ratio).sqrt().clamp(max=1.0), (share / ratio).sqrt().clamp(max=1.0)
    zero = torch.zeros(len(images))
    # The position of the middle, from -1 to 1 across the image.
    middle_x, middle_y = (1 - width) * (2 * x - 1), (1 - height) * (2 * y - 1)
    rows = [torch.stack([width, zero, middle_x], 1), torch.stack([zero, height, middle_y], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
