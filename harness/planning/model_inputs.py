"""Model inputs: the data set of each model, preprocessed as its weights ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.contracts.call_limit import call_limit
from harness.contracts.data import Preprocesses, Pretrained, SharesImages
from harness.errors import HarnessError, failure_reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from harness.contracts.data import Dataset, Model, Preprocessing


@dataclass(frozen=True, kw_only=True)
class TypedPreprocessing:
    """Preprocessing as typed: None where nothing was, so that the network's own holds."""

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: int | None = None
    scaled_to: int | None = None
    interpolation: str | None = None

    def over(self, stated: Preprocessing) -> Preprocessing:
        """The stated one, with what was typed in its place."""
        changes: dict[str, Any] = {
            name: value
            for name in ("mean", "std", "interpolation", "size")
            if (value := getattr(self, name)) is not None
        }
        if self.size:
            changes["crop_pct"] = _crop_pct(self.size, of=self.scaled_to or self.size)
            changes["crop_mode"] = "center"
        return replace(stated, **changes)

    @property
    def options(self) -> list[str]:
        """Options that were typed."""
        values = (self.mean, self.std, self.size, self.interpolation)
        names = ("--mean", "--std", "--resize", "--interpolation")
        return [name for name, value in zip(names, values, strict=True) if value]


@dataclass(frozen=True, kw_only=True)
class ModelInputs:
    """Model inputs: data sets by the name of their model, and what a person is told of each.

    `dataset` is that of models whose weights ask for nothing.
    """

    dataset: Dataset
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    sentences: Sequence[str] = ()
    _fingerprints: dict[int, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, model: Model) -> Dataset:
        """Data set that the model reads."""
        return self.datasets.get(model.name, self.dataset)

    def data_hash(self, model: Model) -> str:
        """Fingerprint of that, made once."""
        dataset = self.of(model)
        # Data sets of strangers need not be hashable.
        if id(dataset) not in self._fingerprints:
            self._fingerprints[id(dataset)] = dataset.fingerprint()
        return self._fingerprints[id(dataset)]


def model_inputs(
    dataset: Dataset, models: Sequence[Model], typed: TypedPreprocessing, *, from_file: bool
) -> ModelInputs:
    """Model inputs: what weights were trained on, and over that what was typed.

    Weights are `from_file`, or the models' own; those that begin fresh take the images whole. Raises
    HarnessError where something was typed for images that come ready.
    """
    if not isinstance(dataset, Preprocesses):
        if typed.options:
            raise HarnessError(
                f"{typed.options[0]} is for image files, not for {dataset.name}, whose images are ready"
            )
        return ModelInputs(dataset=dataset)
    as_typed, datasets, sentences = dataset, dict[str, "Dataset"](), []
    if typed.options:
        as_typed = dataset.preprocessed(typed.over(dataset.preprocessing()))
    for model in models:
        trained = from_file or isinstance(model, Pretrained)
        stated = _stated(model, dataset) if trained else None
        taken = as_typed.preprocessing()
        if stated is not None:
            taken = typed.over(_at_most(dataset.image_side(), stated))
            datasets[model.name] = dataset.preprocessed(taken)
        if trained or typed.options:
            why = _why(stated, taken, typed, side=dataset.image_side())
            sentences.append(f"{model.name} reads {taken}: {why}")
    if isinstance(dataset, SharesImages) and dataset.test_images_in_train():
        sentences.append(
            f"{dataset.name}: {dataset.test_images_in_train()} test images are training images too, "
            "which criteria, norm statistics and 8-bit ranges are calibrated on; rows say so"
        )
    return ModelInputs(dataset=as_typed, datasets=datasets, sentences=sentences)


def _stated(model: Model, dataset: Dataset) -> Preprocessing | None:
    from harness.training.stated_preprocessing import stated_preprocessing

    return stated_preprocessing(built(model, dataset), name=model.name)


def built(model: Model, dataset: Dataset) -> nn.Module:
    """The model's network. Raises HarnessError with what building it raises."""
    try:
        with call_limit(f"building {model.name}"):
            return model.build(dataset)
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(f"{model.name} cannot be built: {failure_reason(error)}") from error


def _at_most(side: int, stated: Preprocessing) -> Preprocessing:
    """The stated one; of images that are smaller than that, which are not scaled up, the whole."""
    return stated if side >= stated.size else replace(stated, size=side, crop_pct=1.0)


def _why(
    stated: Preprocessing | None, taken: Preprocessing, typed: TypedPreprocessing, *, side: int
) -> str:
    if typed.options:
        rest = "; the rest is as the network states" if stated else ""
        return f"as {', '.join(typed.options)} {'say' if len(typed.options) > 1 else 'says'}{rest}"
    if stated and taken.size < stated.size:
        return (
            f"the network states {stated.size}, but the images are of {side} (--resize "
            f"{stated.size} scales them up); --mean, --std and --resize say otherwise"
        )
    states = "as the network states" if stated else "the network states nothing"
    return f"{states}; --mean, --std and --resize say otherwise"


def _crop_pct(size: int, *, of: int) -> float:
    """Crop fraction, from which timm, rounding down, finds the same number of pixels again."""
    fraction = size / of
    return fraction if math.floor(size / fraction) == of else math.nextafter(fraction, 0.0)
