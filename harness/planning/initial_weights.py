"""Initial weights that are given: whether they fit, and whether they know the images they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.data import Preprocesses, Pretrained
from harness.errors import HarnessError
from harness.planning.model_inputs import built

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import nn

    from harness.contracts.data import Dataset, Model
    from harness.planning.model_inputs import ModelInputs

MAX_SCALE = 1.5
"""Largest ratio of deviations, either way, of what a first norm averaged and what it is given."""
MAX_SHIFT = 0.75
"""Largest difference of means, in deviations."""
PROBE_IMAGES = 64


def try_weights(
    models: Sequence[Model], inputs: ModelInputs, file: Path | None, *, reset_classifier: bool
) -> Iterator[str]:
    """Try the weights that training begins with, of the one model's `file` or the models' own.

    Sentences on what was taken of a file. Building a model takes seconds, but an hour of training would
    fail as surely: raises HarnessError where weights do not fit or cannot be had.
    """
    if reset_classifier and file is None:
        raise HarnessError("--reset-classifier is for --weights FILE, and there is none")
    for model in models:
        _, taken = _initial_network(model, inputs.of(model), file, reset_classifier=reset_classifier)
        if taken:
            yield f"{file}: weights {taken}"


def unlike_inputs(
    models: Sequence[Model], inputs: ModelInputs, file: Path | None, *, reset_classifier: bool
) -> Iterator[str]:
    """Sentences on given weights that were trained on inputs unlike these images, which are decoded."""
    for model in models:
        dataset = inputs.of(model)
        network, _ = _initial_network(model, dataset, file, reset_classifier=reset_classifier)
        if network is not None:
            yield from _unlike(network, dataset, name=model.name)


def _initial_network(
    model: Model, dataset: Dataset, file: Path | None, *, reset_classifier: bool
) -> tuple[nn.Module | None, str]:
    """Network with the weights that it is given, and what was taken of a file; None of fresh ones."""
    if isinstance(model, Pretrained):
        # Downloads what is not here.
        return model.build_pretrained(dataset), ""
    if file is None:
        return None, ""
    from harness.training.weights_file import load_weights

    network = built(model, dataset)
    return network, str(load_weights(network, file, dataset, reset_classifier=reset_classifier))


def _unlike(network: nn.Module, dataset: Dataset, *, name: str) -> Iterator[str]:
    """Sentence where the first norm has averaged other inputs than the data set's images give it."""
    if not isinstance(dataset, Preprocesses):
        return
    from harness.training.norm_statistics import first_norm_inputs
    from harness.training.sampling import drawn_images

    images = drawn_images(dataset, "train", PROBE_IMAGES, seed=0)
    try:
        given = first_norm_inputs(network, images)
    except Exception:
        # What does not run is checked by the job that trains it, whose rows say why.
        return
    if given is None or (1 / MAX_SCALE < given.scale < MAX_SCALE and abs(given.shift) < MAX_SHIFT):
        return
    yield (
        f"{name} was trained on images unlike these: its first norm, {given.norm}, has averaged "
        f"{1 / given.scale:.2g} times the deviation that they give it, and a mean that is "
        f"{given.shift:.2g} deviations away. Is {dataset.preprocessing()} its own? --mean, --std and "
        "--resize say otherwise"
    )
