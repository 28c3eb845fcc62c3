"""Datasets: labelled images, and what a dataset does with them of its own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

from harness.contracts.data import (
    Augments,
    Dataset,
    Located,
    NamesClasses,
    Preprocesses,
    Preprocessing,
    SharesImages,
)
from harness.contracts.options import Preloads
from harness.errors import HarnessError
from harness.testing.arguments import ready
from harness.testing.requirements import require, skip

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts.data import Part
    from harness.testing.abilities import Abilities

PARTS: tuple[Part, ...] = ("train", "test")


def check_dataset(dataset: Dataset, *, argument: str | None = None) -> Abilities:
    """Both parts hold float images of `shape` with labels below `classes`, the same when read twice.

    Skipped with the reason where a dataset that is read from a folder was given none; `argument` is
    what the dataset is configured with first. Returns its abilities.
    """
    dataset, abilities = ready(dataset, Dataset, argument=argument)
    if isinstance(dataset, Preloads):
        _check_preloads(dataset, dataset.name)
    if isinstance(dataset, Located):
        _check_located(dataset, dataset.name)
        _skip_where_absent(dataset)
    for part in PARTS:
        _check_part(dataset, part)
    require(dataset.fingerprint() == dataset.fingerprint() != "", f"{dataset.name}: fingerprint")
    if isinstance(dataset, NamesClasses):
        names = dataset.class_names()
        require(len(names) == dataset.classes, f"{dataset.name}: a name for each class")
    if isinstance(dataset, SharesImages):
        count: Any = dataset.split("test")
        shared = dataset.test_images_in_train()
        require(0 <= shared <= len(count), f"{dataset.name}: {shared} test images in train")
    if isinstance(dataset, Preprocesses):
        _check_preprocessed(dataset, dataset.name)
    if isinstance(dataset, Augments):
        pairs: Any = dataset.split("train")
        images = torch.stack([pairs[index][0] for index in range(min(4, len(pairs)))])
        _check_augment(dataset, images, dataset.name)
    return abilities


def _check_part(dataset: Dataset, part: Part) -> None:
    pairs: Any = dataset.split(part)
    require(len(pairs) > 0, f"{dataset.name}: {part} is empty")
    for index in (0, len(pairs) - 1):
        image, label = pairs[index]
        require(tuple(image.shape) == tuple(dataset.shape), f"{dataset.name}: image shape")
        require(image.dtype == torch.float32, f"{dataset.name}: images are float32")
        require(0 <= int(label) < dataset.classes, f"{dataset.name}: label {label} of {part}")
        require(torch.equal(image, pairs[index][0]), f"{dataset.name}: reads differ")


def _check_preprocessed(dataset: Preprocesses, name: str) -> None:
    """What is asked for is what images become, and another fingerprint."""
    size, halves = dataset.image_side() // 2 or 1, (0.5, 0.5, 0.5)
    asked = Preprocessing(size=size, mean=(1.0, 1.0, 1.0), std=halves)
    smaller: Any = dataset.preprocessed(asked)
    require(smaller.preprocessing() == asked, f"{name}: `preprocessed` is asked for {asked}")
    _check_part(smaller, "test")
    require(smaller.shape == (3, size, size), f"{name}: shape {smaller.shape} of {asked}")
    values = smaller.split("test")[0][0]
    require(-2.0 <= float(values.min()) <= float(values.max()) <= 0.0, f"{name}: mean and deviation")
    own: Any = dataset
    require(
        smaller.fingerprint() != own.fingerprint(), f"{name}: the fingerprint follows preprocessing"
    )


def _check_augment(dataset: Augments, images: Tensor, name: str) -> None:
    """A changed copy, all of whose randomness is the generator's."""
    given, outside = images.clone(), torch.random.get_rng_state()
    first, second = (dataset.augment(given, torch.Generator().manual_seed(seed)) for seed in (0, 0))
    require(torch.equal(given, images), f"{name}: `augment` must not change the images in place")
    require(first.shape == images.shape, f"{name}: augmented shape {tuple(first.shape)}")
    require(first.dtype == images.dtype, f"{name}: augmented images are {first.dtype}")
    drawn = torch.equal(first, second) and torch.equal(torch.random.get_rng_state(), outside)
    require(drawn, f"{name}: `augment` draws from its generator alone")


def _check_preloads(dataset: Preloads, name: str) -> None:
    modules = dataset.preloads
    require(not isinstance(modules, str), f"{name}: preloads are a sequence of module names")
    for module in modules:
        require(_is_there(module), f"{name}: preloads {module!r}, which is no module here")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def _check_located(dataset: Located, name: str) -> None:
    """Refused in an empty folder, which it may not download into."""
    with TemporaryDirectory() as folder:
        try:
            dataset.located(Path(folder), download=False)
        except HarnessError:
            return
    raise AssertionError(f"{name}: `located` refuses a folder that it is not in with a HarnessError")


def _skip_where_absent(dataset: Dataset) -> None:
    try:
        dataset.split("train")
    except HarnessError as error:
        skip(dataset.name, str(error))
