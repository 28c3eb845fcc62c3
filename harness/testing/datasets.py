"""Datasets: labelled images, and what a dataset does with them of its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from harness.contracts.data import (
    Augments,
    Dataset,
    Located,
    NamesClasses,
    Preprocesses,
    Preprocessing,
)
from harness.contracts.options import Preloads
from harness.errors import HarnessError
from harness.machine.availability import has_module
from harness.testing.arguments import called, ready
from harness.testing.promises import STEADY_NAME, keep
from harness.testing.requirements import require, skip
from harness.training.images.dataset_check import (
    PARTS,
    check_augmentation,
    check_part,
    check_parts_apart,
    images_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.contracts.abilities import Abilities
    from harness.testing.promises import Promises

MOST_IMAGES = 1000
"""Of each part that are looked at, from the first to the last: photographs take milliseconds each."""


def check_dataset(dataset: Dataset, *, argument: str | None = None) -> Abilities:
    """Both parts hold float images of `shape` with labels below `classes`, the same when read twice.

    Skipped with the reason where a dataset that is read from a folder was given none; `argument` is
    what the dataset is configured with first. Returns its abilities.
    """
    return keep(dataset_promises(dataset, argument=argument))


def dataset_promises(dataset: Dataset, *, argument: str | None = None) -> Promises:
    """What `check_dataset` tries."""
    yield f"{called(dataset)} {STEADY_NAME}"
    dataset, abilities = ready(dataset, Dataset, argument=argument)
    if isinstance(dataset, Preloads):
        yield f"{dataset.name}: preloads modules that are there"
        _check_preloads(dataset, dataset.name)
    if isinstance(dataset, Located):
        yield f"{dataset.name}: refuses a folder that it is not in"
        _check_located(dataset, dataset.name)
        _skip_where_absent(dataset)
    for part in PARTS:
        yield f"{dataset.name}: {part} has finite float32 images and labels, the same each time"
        check_part(dataset, part, most=MOST_IMAGES)
    yield f"{dataset.name}: a fingerprint, and no image in both parts"
    prints = [dataset.fingerprint() for _ in range(2)]
    require(
        isinstance(prints[0], str) and prints[0] == prints[1] != "",
        f"{dataset.name}: `fingerprint` must return the same text each time, not {prints}",
    )
    check_parts_apart(dataset, most=MOST_IMAGES)
    yield from _ability_promises(dataset)
    return abilities


def _ability_promises(dataset: Dataset) -> Iterator[str]:
    if isinstance(dataset, NamesClasses):
        yield f"{dataset.name}: a name for each class"
        names = dataset.class_names()
        what = f"`class_names` must have {dataset.classes} names, one a class"
        require(len(names) == dataset.classes, f"{dataset.name}: {what}, not {len(names)}")
    if isinstance(dataset, Preprocesses):
        yield f"{dataset.name}: images become inputs as they are asked for"
        _check_preprocessed(dataset, dataset.name)
    if isinstance(dataset, Augments):
        yield f"{dataset.name}: `augment` makes a changed copy by its generator alone"
        check_augmentation(dataset, images_of(dataset, "train", 4), name=dataset.name)


def _check_preprocessed(dataset: Preprocesses, name: str) -> None:
    """What is asked for is what images become, and another fingerprint."""
    size, halves = dataset.image_side() // 2 or 1, (0.5, 0.5, 0.5)
    asked = Preprocessing(size=size, mean=(1.0, 1.0, 1.0), std=halves)
    smaller: Any = dataset.preprocessed(asked)
    require(
        smaller.preprocessing() == asked,
        f"{name}: `preprocessed` must apply {asked}, and `preprocessing` tell so",
    )
    check_part(smaller, "test", most=MOST_IMAGES)
    require(smaller.shape == (3, size, size), f"{name}: images of {asked} are shaped {smaller.shape}")
    values = smaller.split("test")[0][0]
    require(
        -2.0 <= float(values.min()) <= float(values.max()) <= 0.0,
        f"{name}: `preprocessed` must subtract the mean and divide by the deviation",
    )
    own: Any = dataset
    require(
        smaller.fingerprint() != own.fingerprint(),
        f"{name}: the fingerprint must change with preprocessing",
    )


def _check_preloads(dataset: Preloads, name: str) -> None:
    modules = dataset.preloads
    require(
        not isinstance(modules, str), f"{name}: preloads must be a sequence of module names, not a text"
    )
    for module in modules:
        require(has_module(module), f"{name}: preloads {module!r}, which is no module here")


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
