"""Check of a data set's images: what a number would be wrong by, and nobody would see."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, cast

import torch

from harness.contracts.data import Augments, Preprocesses, SharesImages
from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts.data import Dataset, Part

PARTS: tuple[Part, ...] = ("train", "test")
FEW_IMAGES = 64
"""Of each part that a run looks at, from the first to the last."""
MOST_NORMALISED = 50.0
"""Least value that no normalised image reaches, and pixels from 0 to 255 do."""
DRAWS = 9
"""Generators that an augmentation is tried with."""


def check_images(dataset: Dataset) -> None:
    """Look at a few images of each part before anything is trained on them.

    Raises HarnessError naming the image that is none, or says what parts and augmentation do wrong.
    """
    for part in PARTS:
        check_part(dataset, part, most=FEW_IMAGES)
    if _shared_images(dataset, FEW_IMAGES) > FEW_IMAGES // 2 and not isinstance(dataset, SharesImages):
        raise HarnessError(f"{dataset.name}: test images are training images")
    if isinstance(dataset, Augments):
        _check_not_blank(dataset, images_of(dataset, "train", 4), dataset.name)


def check_part(dataset: Dataset, part: Part, *, most: int) -> None:
    """Raise HarnessError where one of up to `most` images, or its label, is none, or reads differ."""
    labels = set[int]()
    for index in _indices(_length(dataset, part), most):
        image, label = _pair(dataset, part, index)
        _check_image(dataset, image, f"{dataset.name}: image {index} of {part}")
        labels.add(_class(dataset, label, f"{dataset.name}: label {label} of image {index} of {part}"))
    if len(labels) == 1 < dataset.classes and not _has_others(dataset, part, labels):
        raise HarnessError(
            f"{dataset.name}: all images of {part} have the label {labels.pop()}, of "
            f"{dataset.classes} classes: who always guesses it is right"
        )
    if _digests(dataset, part, most) != _digests(dataset, part, most):
        raise HarnessError(f"{dataset.name}: reads differ: other images of {part} each time")


def _has_others(dataset: Dataset, part: Part, labels: set[int]) -> bool:
    """Whether any image of a part has another label: rare ones may be none of a few."""
    indices = range(_length(dataset, part))
    return any(float(_pair(dataset, part, index)[1]) not in labels for index in indices)


def _length(dataset: Dataset, part: Part) -> int:
    """Number of images of a part. Raises HarnessError where there is none, or no end to them."""
    try:
        length = len(cast("Any", dataset.split(part)))
    except TypeError as error:
        raise HarnessError(f"{dataset.name}: {_no_split(part)}: {error}") from error
    if length == 0:
        raise HarnessError(f"{dataset.name}: {part} is empty")
    return length


def _pair(dataset: Dataset, part: Part, index: int) -> tuple[Any, Any]:
    """Image and label. Raises HarnessError where they are no pair."""
    split = cast("Any", dataset.split(part))
    try:
        image, label = split[index]
    except (TypeError, ValueError) as error:
        kind = type(split).__name__
        raise HarnessError(
            f"{dataset.name}: {_no_split(part)}; item {index} of a {kind}: {error}"
        ) from error
    return image, label


def _no_split(part: Part) -> str:
    return f"`split({part!r})` must return what has a length, and (image, label) as each item"


def _class(dataset: Dataset, label: object, what: str) -> int:
    """The class of a label. Raises HarnessError where it is none."""
    try:
        number = float(cast("Any", label))
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if number not in range(dataset.classes):
        raise HarnessError(f"{what} is no class: a whole number from 0 to {dataset.classes - 1}")
    return int(number)


def _check_image(dataset: Dataset, image: object, what: str) -> None:
    if not isinstance(image, torch.Tensor):
        raise HarnessError(f"{what} is a {type(image).__name__}: images are float32 tensors")
    if tuple(image.shape) != tuple(dataset.shape):
        raise HarnessError(f"{what} is shaped {tuple(image.shape)}, not {tuple(dataset.shape)}")
    if image.dtype != torch.float32:
        raise HarnessError(f"{what} is {image.dtype}: images are float32")
    if not bool(torch.isfinite(image).all()):
        raise HarnessError(f"{what} holds NaN or infinity")
    largest = float(image.abs().max())
    # Of image files, mean and deviation may be typed.
    if largest >= MOST_NORMALISED and not isinstance(dataset, Preprocesses):
        raise HarnessError(f"{what} is not normalised: it reaches {largest:.3g}")


def images_of(dataset: Dataset, part: Part, most: int) -> Tensor:
    """Up to `most` images, from the first to the last."""
    pairs = cast("Any", dataset.split(part))
    return torch.stack([pairs[index][0] for index in _indices(len(pairs), most)])


def _indices(length: int, most: int) -> list[int]:
    if length <= most:
        return list(range(length))
    return [round(number * (length - 1) / (most - 1)) for number in range(most)]


def check_parts_apart(dataset: Dataset, *, most: int) -> None:
    """Raise HarnessError where one of up to `most` test images is trained on, and nothing says so."""
    shared = _shared_images(dataset, most)
    if not isinstance(dataset, SharesImages):
        if shared:
            raise HarnessError(f"{dataset.name}: {shared} images are in train and in test")
        return
    told, count = dataset.test_images_in_train(), len(cast("Any", dataset.split("test")))
    if not shared <= told <= count:
        raise HarnessError(f"{dataset.name}: {told} test images in train, of which {shared} were seen")


def _shared_images(dataset: Dataset, most: int) -> int:
    train, test = (set(_digests(dataset, part, most)) for part in PARTS)
    return len(train & test)


def _digests(dataset: Dataset, part: Part, most: int) -> list[bytes]:
    """Hash of each image: photographs themselves would fill the memory."""
    pairs = cast("Any", dataset.split(part))
    images = (pairs[index][0].contiguous().numpy() for index in _indices(len(pairs), most))
    return [hashlib.sha256(image).digest() for image in images]


def check_augmentation(dataset: Augments, images: Tensor, *, name: str) -> None:
    """Raise HarnessError unless `augment` makes a changed copy, by its generator alone."""
    given, outside = images.clone(), torch.random.get_rng_state()
    first, second = (dataset.augment(given, torch.Generator().manual_seed(0)) for _ in range(2))
    if not torch.equal(given, images):
        raise HarnessError(f"{name}: `augment` must not change the images in place")
    if (first.shape, first.dtype) != (images.shape, images.dtype):
        raise HarnessError(f"{name}: augmented images are {first.dtype} of shape {tuple(first.shape)}")
    if not torch.equal(first, second) or not torch.equal(torch.random.get_rng_state(), outside):
        raise HarnessError(f"{name}: `augment` draws from its generator alone")
    if all(torch.equal(first, other) for other in _augmented(dataset, images)):
        raise HarnessError(f"{name}: `augment` does not draw from its generator: it is always alike")
    _check_not_blank(dataset, images, name)


def _augmented(dataset: Augments, images: Tensor) -> list[Tensor]:
    seeds = (torch.Generator().manual_seed(seed) for seed in range(DRAWS))
    return [dataset.augment(images.clone(), seed) for seed in seeds]


def _check_not_blank(dataset: Augments, images: Tensor, name: str) -> None:
    blank = all(_is_uniform(augmented) for augmented in _augmented(dataset, images))
    if blank and not _is_uniform(images):
        raise HarnessError(f"{name}: `augment` leaves nothing to see")


def _is_uniform(images: Tensor) -> bool:
    """Whether each image is one value all over."""
    values = images.flatten(1)
    return torch.equal(values, values[:, :1].expand_as(values))
