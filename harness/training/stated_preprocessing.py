"""Stated preprocessing: what a network says that its weights were trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.data import Preprocessing
from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import nn


def stated_preprocessing(network: nn.Module, *, name: str) -> Preprocessing | None:
    """Preprocessing that `network.pretrained_cfg` states, as timm's networks do; None without one.

    That is timm's own evaluation of it, at the size that it was trained at. Raises HarnessError for a
    network of images that are no squares.
    """
    if not getattr(network, "pretrained_cfg", None):
        return None
    from timm.data import resolve_model_data_config  # type: ignore[attr-defined]  # timm re-exports untyped

    stated = resolve_model_data_config(network)  # type: ignore[no-untyped-call]  # timm has no types
    _, height, width = stated["input_size"]
    if height != width:
        raise HarnessError(f"{name} is a network of images of {height} x {width}, which are no squares")
    return Preprocessing(
        size=height,
        crop_pct=float(stated["crop_pct"]),
        crop_mode=stated["crop_mode"],
        interpolation=stated["interpolation"],
        mean=tuple(stated["mean"]),
        std=tuple(stated["std"]),
    )
