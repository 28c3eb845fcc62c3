"""Preprocessing: how an image file becomes a network's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Preprocessing at evaluation, in timm's terms: the weights of a network belong to one.

    The shorter side (each side where `crop_mode` is `squash`) is scaled to `size / crop_pct` pixels and
    the central square of `size` pixels cut out; then pixels, from 0 to 1, lose `mean`, over `std`.
    """

    size: int
    crop_pct: float = 1.0
    crop_mode: str = "center"
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __str__(self) -> str:
        """For people: `224 x 224 of 256 pixels, bicubic, mean 0.5, std 0.5`."""
        scaled = int(self.size / self.crop_pct)
        of = f" of {scaled}" if scaled != self.size else ""
        mode = "" if self.crop_mode == "center" else f", {self.crop_mode}"
        normalised = f"mean {_numbers(self.mean)}, std {_numbers(self.std)}"
        return f"{self.size} x {self.size}{of} pixels{mode}, {self.interpolation}, {normalised}"


def preprocessing_columns(preprocessing: Preprocessing) -> dict[str, Any]:
    """Columns of a row that state it, as `preprocessing_from` reads them."""
    return {
        "input_size": preprocessing.size,
        "crop_pct": preprocessing.crop_pct,
        "crop_mode": preprocessing.crop_mode,
        "interpolation": preprocessing.interpolation,
        "mean": " ".join(map(repr, preprocessing.mean)),
        "std": " ".join(map(repr, preprocessing.std)),
    }


def preprocessing_from(row: Mapping[str, Any]) -> Preprocessing | None:
    """Preprocessing that a row states; None where its data set's images come ready."""
    if not row["mean"]:
        return None
    return Preprocessing(
        size=row["input_size"],
        crop_pct=row["crop_pct"],
        crop_mode=row["crop_mode"],
        interpolation=row["interpolation"],
        mean=tuple(map(float, row["mean"].split())),
        std=tuple(map(float, row["std"].split())),
    )


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in dict.fromkeys(values))
