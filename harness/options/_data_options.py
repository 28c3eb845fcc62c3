"""What is asked of a run's data: which images, and how they become a network's inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import click

from harness.errors import HarnessError
from harness.options.declaration import flag, optional, text_option
from harness.planning.model_inputs import TypedPreprocessing

FOLDER = click.Path(file_okay=False, path_type=Path)
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]
"""As timm calls them."""
CHANNELS = 3
MOST_DIGITS = 6
"""Of pixels of a side."""


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Labelled images, and their preprocessing where the network does not state it."""

    dataset: str = text_option(
        default="digits",
        help="digits, folder:PATH with train/ and test/, or as timm names them: torch/cifar10, "
        "hfds/NAME.",
    )
    data_dir: Path | None = optional(FOLDER, help="Where timm's data sets are.  [default: data]")
    download: bool = flag(help="Fetch the data set where it is not there.")
    mean: str | None = optional(
        click.STRING,
        help="What pixels from 0 to 1 lose: a number, or three, as 0.485,0.456,0.406.  [default: what "
        "timm states of a network whose weights are given, else ImageNet's]",
    )
    std: str | None = optional(
        click.STRING, help="What they are divided by then, written and chosen alike."
    )
    resize: str | None = optional(
        click.STRING,
        help="Pixels of an input's side: 64 scales the shorter side to it, 256:224 to 256; the central "
        "square is cut.  [default: what timm states, else the images' own up to 224]",
    )
    interpolation: Interpolation | None = optional(
        click.Choice(get_args(Interpolation)),
        help="How images are scaled.  [default: as timm states, else bilinear]",
    )

    def preprocessing(self) -> TypedPreprocessing:
        """As typed. Raises HarnessError for what is no number or makes no sense."""
        scaled_to, colon, size = (self.resize or "").rpartition(":")
        if colon and not (scaled_to and size):
            raise HarnessError(f"--resize takes pixels, as 64 or 256:224, not {self.resize!r}")
        typed = TypedPreprocessing(
            mean=_channels("mean", self.mean),
            std=_channels("std", self.std),
            size=_pixels(size) if size else None,
            scaled_to=_pixels(scaled_to) if scaled_to else None,
            interpolation=self.interpolation,
        )
        if typed.std is not None and min(typed.std) <= 0:
            raise HarnessError(f"--std {self.std}: a deviation is above 0")
        if typed.scaled_to and typed.size and typed.scaled_to < typed.size:
            raise HarnessError(
                f"--resize {self.resize}: no {typed.size} pixels can be cut from {typed.scaled_to}"
            )
        return typed


def _channels(option_name: str, text: str | None) -> tuple[float, ...] | None:
    if not text:
        return None
    try:
        numbers = [float(term) for term in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, CHANNELS) or not all(map(math.isfinite, numbers)):
        raise HarnessError(f"--{option_name} takes one number or three, as 0.5,0.4,0.3, not {text}")
    return tuple(numbers) if len(numbers) == CHANNELS else tuple(numbers * CHANNELS)


def _pixels(text: str) -> int:
    if not text.isdecimal() or len(text) > MOST_DIGITS or not int(text):
        raise HarnessError(f"--resize takes pixels, as 64 or 256:224, not {text!r:.60}")
    return int(text)
