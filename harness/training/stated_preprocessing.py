"""Stated preprocessing: what a network says that its weights were trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.data import Preprocessing
from harness.errors import HarnessError, failure_reason

if TYPE_CHECKING:
    from torch import nn

CROP_MODES = ("center", "squash")


def stated_preprocessing(network: nn.Module, *, name: str) -> Preprocessing | None:
    """Preprocessing that `network.pretrained_cfg` states, as timm's networks do; None without one.

    That is timm's own evaluation of it, at the size that it was trained at; what is not stated is not
    taken from timm's defaults: images are whole, and scaled bilinearly. Raises HarnessError for what
    is none, or other than a square cut from the centre.
    """
    stated = getattr(network, "pretrained_cfg", None)
    if not stated:
        return None
    from timm.data import resolve_model_data_config  # type: ignore[attr-defined]  # timm re-exports untyped

    try:
        full = resolve_model_data_config(network)  # type: ignore[no-untyped-call]  # timm has no types
        _, height, width = full["input_size"]
        preprocessing = Preprocessing(
            size=int(height),
            crop_pct=float(full["crop_pct"]) if stated.get("crop_pct") else 1.0,
            crop_mode=full["crop_mode"],
            interpolation=full["interpolation"] if stated.get("interpolation") else "bilinear",
            mean=tuple(map(float, full["mean"])),
            std=tuple(map(float, full["std"])),
        )
    except Exception as error:
        # A network of the user's states it as it likes.
        raise HarnessError(f"pretrained_cfg of {name}: {failure_reason(error)}") from None
    if height != width or preprocessing.crop_mode not in CROP_MODES:
        raise HarnessError(
            f"{name} states inputs of {height} x {width}, crop_mode {preprocessing.crop_mode!r}: only "
            f"squares and {', '.join(CROP_MODES)} are read"
        )
    return preprocessing
