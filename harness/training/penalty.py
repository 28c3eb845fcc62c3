"""Penalty (regularisation) that a criterion adds to the loss while a model trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.contracts.pruners import Trained
from harness.errors import HarnessError
from harness.networks.layers import prunable_weights
from harness.networks.surgery import coupled_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from harness.contracts.pruners import Penalises


def penalty_on(
    model: nn.Module, pruner: Penalises, *, keep: Mapping[str, Tensor], example: Tensor | None
) -> Callable[[float], Tensor]:
    """Penalty as a function of progress in [0, 1], to be added to a batch's loss.

    `keep` masks say what is to stay, where that is chosen already; norms' scales are there where
    an `example` traces them. The function raises HarnessError where the pruner's is no finite scalar.
    """
    weights = prunable_weights(model)
    scales = {} if example is None else _norm_scales(model, example)

    def penalty(progress: float) -> Tensor:
        on_device = {name: mask.to(weights[name].device) for name, mask in keep.items()}
        trained = Trained(weights=weights, norm_scales=scales, keep=on_device, progress=progress)
        added = pruner.penalty(trained)
        if added.dim() != 0 or not bool(torch.isfinite(added)):
            raise HarnessError(f"the penalty at progress {progress:g} is no finite scalar")
        return added

    return penalty


def _norm_scales(model: nn.Module, example: Tensor) -> dict[str, Tensor]:
    """Norm scales behind each weight, by the weight's name, as trained."""
    norm_of = coupled_layers(model, example).norm_of
    scales = {
        name: getattr(model.get_submodule(norm), "weight", None) for name, norm in norm_of.items()
    }
    return {name: scale for name, scale in scales.items() if scale is not None}
