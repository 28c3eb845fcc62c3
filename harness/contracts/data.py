"""Models, data sets and reporters, and what any plugin may be besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Generator, Tensor, nn
    from torch.utils.data import Dataset as TorchDataset

Part = Literal["train", "test"]
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

    @property
    def scaled_to(self) -> int:
        """Pixels that the shorter side is scaled to, rounded down as timm does."""
        return int(self.size / self.crop_pct)

    def __str__(self) -> str:
        """For people: `224 x 224 of 256 pixels, bicubic, mean 0.5, std 0.5`."""
        of = f" of {self.scaled_to}" if self.scaled_to != self.size else ""
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
    if not row.get("mean"):
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


@runtime_checkable
class Dataset(Protocol):
    """Labelled images."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    @property
    def classes(self) -> int:
        """How many labels there are."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""

    def split(self, part: Part) -> TorchDataset[tuple[Tensor, int]]:
        """Pairs of a normalised float image and its label, by index."""

    def fingerprint(self) -> str:
        """A hash that changes when the images, labels or splits change."""


@runtime_checkable
class Pretrained(Protocol):
    """A model that dense training does not begin fresh: its name says which weights it begins with.

    The core trains on from what `build_pretrained` returns, or takes it as the dense model at
    `--dense-epochs 0`; `build` gives the shape that later weights are loaded into.
    """

    def build_pretrained(self, dataset: Dataset) -> nn.Module:
        """As `build`, with those weights, the last layer fresh where the classes are others.

        Raises HarnessError where they cannot be had.
        """


@runtime_checkable
class Located(Protocol):
    """A dataset that is read from a folder of the user's choice, or downloaded into it.

    The core asks for it with what `--data-dir` and `--download` say, before any other work.
    """

    def located(self, folder: Path | None, *, download: bool) -> Self:
        """The same there; HarnessError where it is not there and may not be downloaded."""


@runtime_checkable
class Preprocesses(Protocol):
    """A dataset of image files, which become inputs as the network that reads them asks for.

    The core asks for what a network's weights were trained on, as it states or as was typed.
    """

    def preprocessing(self) -> Preprocessing:
        """What its images become inputs by; where nothing is asked for, whole at their own size."""

    def image_side(self) -> int:
        """Pixels of the images' shorter sides, as most are: larger inputs show no more."""

    def preprocessed(self, preprocessing: Preprocessing) -> Self:
        """The same images by another preprocessing; shape and fingerprint follow it."""


@runtime_checkable
class NamesClasses(Protocol):
    """A dataset whose labels have names, for who reads a deployed model's outputs."""

    def class_names(self) -> Sequence[str]:
        """Names in the order of labels."""


@runtime_checkable
class SharesImages(Protocol):
    """A dataset that can tell which test images are training images too."""

    def test_images_in_train(self) -> int:
        """How many test images are in the training split, to the last byte."""

    def is_one_set(self) -> bool:
        """Whether both splits are the same images for want of others: nothing is trained on them."""


@runtime_checkable
class Augments(Protocol):
    """A dataset with its own augmentation; the core calls it on each batch that it trains on."""

    def augment(self, images: Tensor, generator: Generator) -> Tensor:
        """A changed copy of `(n, channels, height, width)`; all randomness from `generator`."""


@runtime_checkable
class Model(Protocol):
    """An architecture."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    def build(self, dataset: Dataset) -> nn.Module:
        """A freshly initialised network for the dataset's shape and classes."""
