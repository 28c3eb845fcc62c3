"""The usual augmentation of training images, for a whole batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor

SMALL = 64
PADDING = 4
AREAS = (0.08, 1.0)
RATIOS = (3 / 4, 4 / 3)


def cropped_and_mirrored(images: Tensor, generator: Generator) -> Tensor:
    """Small images shifted by up to four pixels (He 2016), larger ones cut and scaled (Szegedy 2015).

    `(n, channels, side, side)` to the same; half of them mirrored, all randomness from `generator`.
    """
    import torch

    moved = _shifted if images.shape[-1] <= SMALL else _cut
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    return moved(images, generator)


def _shifted(images: Tensor, generator: Generator) -> Tensor:
    """Each by its own number of pixels, zeros where nothing was."""
    import torch
    import torch.nn.functional as F

    count, _, height, width = images.shape
    padded = F.pad(images, [PADDING] * 4)
    shifts = torch.randint(0, 2 * PADDING + 1, (2, count, 1), generator=generator)
    rows = (shifts[0] + torch.arange(height))[:, :, None]
    columns = (shifts[1] + torch.arange(width))[:, None]
    picked = torch.arange(count)[:, None, None]
    return padded.permute(0, 2, 3, 1)[picked, rows, columns].permute(0, 3, 1, 2)


def _cut(images: Tensor, generator: Generator) -> Tensor:
    """A rectangle of each, of a random area, form and place, scaled to the whole image's size."""
    import torch
    import torch.nn.functional as F

    area, form, x, y = torch.rand(4, len(images), generator=generator)
    share = AREAS[0] + (AREAS[1] - AREAS[0]) * area
    low, high = torch.tensor(RATIOS).log()
    ratio = (low + (high - low) * form).exp()
    # Of the image's sides; a rectangle that would reach beyond is as wide or high as the image.
    width, height = (share * ratio).sqrt().clamp(max=1.0), (share / ratio).sqrt().clamp(max=1.0)
    zero = torch.zeros(len(images))
    # The place of the middle, from -1 to 1 across the image.
    middle_x, middle_y = (1 - width) * (2 * x - 1), (1 - height) * (2 * y - 1)
    rows = [torch.stack([width, zero, middle_x], 1), torch.stack([zero, height, middle_y], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
