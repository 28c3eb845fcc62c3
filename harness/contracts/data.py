"""Models, data sets and reporters, and what any plugin may be besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Generator, Tensor, nn
    from torch.utils.data import Dataset as TorchDataset

    from harness.contracts.preprocessing import Preprocessing

Part = Literal["train", "test"]


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

    @property
    def preprocessing(self) -> Preprocessing:
        """What its images become inputs by; where nothing is asked for, whole at their own size."""

    @property
    def image_side(self) -> int:
        """Pixels of the first image's shorter side: larger inputs show no more."""

    def preprocessed(self, preprocessing: Preprocessing) -> Self:
        """The same images by another preprocessing; shape and fingerprint follow it."""


@runtime_checkable
class NamesClasses(Protocol):
    """A dataset whose labels have names, for who reads a deployed model's outputs."""

    @property
    def class_names(self) -> Sequence[str]:
        """Names in the order of labels."""


@runtime_checkable
class SharesImages(Protocol):
    """A dataset that can tell which test images are training images too."""

    @property
    def test_images_in_train(self) -> int:
        """How many test images are in the training split, to the last byte."""


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
