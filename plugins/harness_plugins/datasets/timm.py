"""Whatever timm's data-set factory reads, by its own names: torchvision, Hugging Face, tar files."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING, Any, Self

import harness

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Generator, Tensor

LARGEST = 224
SAMPLED = 30
"""Images, about, that tell how large they are."""
FOLDERS = ("folder", "image_folder")
SPLITS: Mapping[harness.Part, tuple[str, ...]] = {
    "train": ("train",),
    "test": ("validation", "test", "val"),
}
TAR = "tar"
TROUBLES = (AssertionError, ImportError, OSError, RuntimeError, ValueError, tarfile.TarError)
"""What libraries raise where a data set is not there or broken."""


@dataclass(frozen=True)
class _EveryImage:
    """Images of a reader of timm's, which itself takes the next one for one that cannot be read."""

    reader: Any
    transform: Callable[[Image], Tensor]

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image

        try:
            file, label, *_ = self.reader[index]
            return self.transform(Image.open(file)), label
        except (OSError, harness.HarnessError) as error:
            name = self.reader.filename(index)
            raise harness.HarnessError(f"image {index} ({name}) cannot be read: {error}") from None


@dataclass(frozen=True)
class TimmData:
    """A data set of timm's, as torch/cifar10, hfds/ORGANISATION/NAME or tar/NAME; sides at most 224.

    The last is NAME/train.tar and NAME/validation.tar (or test.tar), with CLASS/IMAGE files in them.
    """

    source: str
    needs_argument: str
    requirement: str = ""
    argument: str = ""
    folder: Path | None = None
    download: bool = False
    asked: harness.Preprocessing | None = None

    @property
    def name(self) -> str:
        """As timm spells it."""
        return f"{self.source}/{self.argument}" if self.argument else self.source

    def configured(self, argument: str) -> Self:
        """The data set of that name. Raises HarnessError for a folder of images, which is no name."""
        if self.source == "torch" and argument in FOLDERS:
            raise harness.HarnessError(f"torch/{argument}: a folder of images is --dataset folder:PATH")
        return replace(self, argument=argument)

    def located(self, folder: Path | None, *, download: bool) -> Self:
        """The same in a folder; HarnessError where it is not there and is not to be downloaded."""
        if self.requirement and (reason := harness.unmet(self.requirement)):
            raise harness.HarnessError(f"{self.name}: {reason}")
        there = replace(self, folder=folder or Path("data"), download=download)
        opened = [there._opened(part) for part in SPLITS]
        if self.source == TAR and not _alike(*opened):
            raise harness.HarnessError(f"the two parts of {self.name} have different classes")
        return there

    @cached_property
    def classes(self) -> int:
        """One more than the highest label of the images to train on."""
        return 1 + max(self.split("train").labels)

    def class_names(self) -> list[str]:
        """As the library that reads them says; the labels themselves where it does not."""
        opened = self._opened("train")
        reader = getattr(opened, "reader", opened)
        labels = [getattr(reader, name, {}) for name in ("class_to_idx", "class_name_to_idx")]
        names = {label: str(name) for known in labels for name, label in (known or {}).items()}
        return [names.get(label, str(label)) for label in range(self.classes)]

    def image_side(self) -> int:
        """Median of training images spread over all of them: one may be a thumbnail."""
        return self._image_side

    @cached_property
    def _image_side(self) -> int:
        opened = self._opened("train")
        spread = range(0, len(opened), max(1, len(opened) // SAMPLED))
        return int(median_low(min(opened[index][0].size) for index in spread))

    def preprocessing(self) -> harness.Preprocessing:
        """As was asked for, or the images whole, at most 224 pixels wide."""
        return self.asked or harness.Preprocessing(size=min(self.image_side(), LARGEST))

    def preprocessed(self, preprocessing: harness.Preprocessing) -> Self:
        """The same data set."""
        return replace(self, asked=preprocessing)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Colour squares of the size that they are preprocessed to."""
        return (3, self.preprocessing().size, self.preprocessing().size)

    def split(self, part: harness.Part) -> harness.NormalisedImages:
        """Images with their shorter side scaled and the centre cut out, decoded once."""
        return harness.decoded_once(
            lambda: self._pixels(part),
            of=f"{self.name}-{part}",
            listed=self._listed,
            preprocessing=self.preprocessing(),
        )

    @cached_property
    def _listed(self) -> str:
        """Walked once, since a split is asked for often, and taken along to worker processes."""
        root = self.folder / self.argument if self.folder and self.source == TAR else self.folder
        return harness.listing(root) if root and root.is_dir() else ""

    def _pixels(self, part: harness.Part) -> harness.Decodes:
        opened, transform = self._opened(part), harness.image_transform(self.preprocessing())
        if hasattr(opened, "reader"):
            return _EveryImage(opened.reader, transform)
        opened.transform = transform
        found: harness.Decodes = opened
        return found

    def fingerprint(self) -> str:
        """Of both parts, decoded, and of how they are normalised where that was asked for."""
        decoded = "".join(self.split(part).fingerprint()[:6] for part in SPLITS)
        if self.asked is None:
            return decoded
        return hashlib.sha256(f"{decoded} {self.asked!r}".encode()).hexdigest()[:12]

    def augment(self, images: Tensor, generator: Generator) -> Tensor:
        """As is usual: small images shifted and mirrored, large ones cut, scaled and mirrored."""
        return harness.cropped_and_mirrored(images, generator)

    def _opened(self, part: harness.Part) -> Any:  # noqa: ANN401 -- a data set of whatever library
        from timm.data import create_dataset  # type: ignore[attr-defined]  # timm re-exports untyped

        problems = []
        for split in SPLITS[part]:
            try:
                return create_dataset(**self._asked(split))
            except TROUBLES as error:
                problems.append(f"{type(error).__name__}: {error}".splitlines()[0])
        raise harness.HarnessError(
            f"{self.name} cannot be read from {self.folder} ({problems[0]}): "
            "--data-dir says where it is, --download fetches it"
        )

    def _asked(self, split: str) -> dict[str, Any]:
        if self.source != TAR:
            return {
                "name": self.name,
                "root": str(self.folder),
                "split": split,
                "download": self.download,
            }
        file = (self.folder or Path()) / self.argument / f"{split}.tar"
        if not file.is_file():
            raise FileNotFoundError(f"{file} is not there")
        # Several threads read it, and timm would share one open file among them; nor is a pickle that
        # lies beside it to be trusted.
        return {"name": "", "root": str(file), "cache_tarfiles": False, "cache_tarinfo": False}


def _alike(train: Any, test: Any) -> bool:  # noqa: ANN401 -- timm's
    own: bool = train.reader.class_name_to_idx == test.reader.class_name_to_idx
    return own


@harness.hookimpl
def harness_datasets() -> Iterable[harness.Dataset]:
    """Offer torchvision's and Hugging Face's data sets, and tar files."""
    return [
        TimmData("torch", "cifar10"),
        TimmData("hfds", "uoft-cs/cifar10", "datasets"),
        TimmData(TAR, "imagenet"),
    ]
