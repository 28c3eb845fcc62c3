"""Masked models to and from torch.nn.utils.prune, which keeps `weight_orig` and `weight_mask`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.utils import prune

from harness.layers import LAYERS, prunable_weights

if TYPE_CHECKING:
    from torch import Tensor, nn


def to_torch_prune(model: nn.Module) -> None:
    """Hand each weight that holds zeros to torch.nn.utils.prune, in place; outputs stay the same.

    Further pruning there, and training, then leave the zeros alone.
    """
    for name, weight in prunable_weights(model).items():
        if bool((weight == 0).any()):
            module = model.get_submodule(name.removesuffix(".weight"))
            prune.custom_from_mask(module, "weight", weight.detach() != 0)


def from_torch_prune(model: nn.Module) -> dict[str, Tensor]:
    """Take a model back, in place: keep masks (bool) by weight name, the weights plain parameters."""
    masks = {}
    for name, module in model.named_modules():
        mask = getattr(module, "weight_mask", None)
        if isinstance(module, LAYERS) and mask is not None:
            masks[f"{name}.weight"] = mask.bool()
            prune.remove(module, "weight")
    return masks
