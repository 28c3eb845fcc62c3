"""Norm statistics: what batch norms take for the mean and variance of their inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.modules.batchnorm import _NormBase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor, nn


def estimate_norm_statistics(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Estimate norm statistics anew, in place: those of a cut or barely trained model are another's.

    Running means and variances become the average over the batches of images, whatever they were
    before; nothing else changes, and dropout stays off. (Li 2020, EagleEye, sec. 3.3.)
    """
    norms = [
        module
        for module in model.modules()
        if isinstance(module, _NormBase) and module.track_running_stats
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        # The average over all batches, each counting as much.
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for images, _ in batches:
            # A last batch of one image has no variance where a map is one pixel.
            if len(images) > 1:
                model(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
