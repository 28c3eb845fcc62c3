"""Norm statistics: what batch norms take for the mean and variance of their inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.modules.batchnorm import _NormBase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class NormInputs:
    """Inputs of a norm, over what it has averaged: ratio of deviations, and difference of means.

    The latter is in averaged deviations; both are the median over channels.
    """

    norm: str
    scale: float
    shift: float


def first_norm_inputs(model: nn.Module, images: Tensor) -> NormInputs | None:
    """Inputs of the norm with running statistics that runs first; None where there is none.

    Images that are normalised in another way than those of training show there, before any label does.
    """
    seen: list[tuple[str, _NormBase, Tensor]] = []

    def note(name: str, norm: _NormBase, inputs: Tensor) -> None:
        if not seen:
            seen.append((name, norm, inputs))

    handles = [
        module.register_forward_pre_hook(lambda norm, given, name=name: note(name, norm, given[0]))
        for name, module in model.named_modules()
        if isinstance(module, _NormBase) and module.track_running_stats
    ]
    try:
        with torch.no_grad():
            model.eval()(images)
    finally:
        for handle in handles:
            handle.remove()
    if not seen:
        return None
    [(name, norm, inputs)] = seen
    axes = [axis for axis in range(inputs.dim()) if axis != 1]
    state = norm.state_dict()
    averaged = (state["running_var"] + norm.eps).sqrt()
    scale = (inputs.var(axes) + norm.eps).sqrt() / averaged
    shift = (inputs.mean(axes) - state["running_mean"]).abs() / averaged
    return NormInputs(norm=name, scale=float(scale.median()), shift=float(shift.median()))


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
