"""A folder of images, one sub-folder a class."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import harness

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Generator, Tensor

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
LARGEST = 224
PARTS: tuple[harness.Part, ...] = ("train", "test")
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Those of torchvision, which takes PyTorch's seconds to import."""


@dataclass(frozen=True)
class Folder:
    """`folder:PATH` with train/CLASS/*.jpg and test/CLASS/*.jpg (or val/); sides at most 224."""

    path: Path | None = None

    @property
    def name(self) -> str:
        """`folder`, and the last part of the path: the whole path would tie results to a machine."""
        return f"folder:{self.path.name}" if self.path else "folder"

    def configured(self, argument: str) -> Self:
        """The folder at `argument`; HarnessError where it does not hold the two splits."""
        folder = type(self)(Path(argument).expanduser().resolve())
        classes = [_sub_folders(folder._root(part)) for part in PARTS]
        if classes[0] != classes[1]:
            unlike = ", ".join(sorted(set(classes[0]) ^ set(classes[1])))
            raise harness.HarnessError(f"the two parts of {argument} have different classes: {unlike}")
        for part in PARTS:
            root = folder._root(part)
            seen = {path.relative_to(root).parts[0] for path in folder._images(part)}
            if empty := set(classes[0]) - seen:
                raise harness.HarnessError(f"{root} has no images of {', '.join(sorted(empty))}")
        return folder

    @cached_property
    def classes(self) -> int:
        """Sub-folders of train/."""
        return len(self._class_names)

    @cached_property
    def _class_names(self) -> list[str]:
        return _sub_folders(self._root("train"))

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Colour squares with the first image's shorter side, at most 224."""
        from PIL import Image

        with Image.open(self._images("train")[0]) as image:
            side = min(*image.size, LARGEST)
        return (3, side, side)

    def split(self, part: harness.Part) -> harness.NormalisedImages:
        """Images with their shorter side scaled and the centre cut out, decoded once."""
        what = f"{self.name}-{part}-{self.shape[1]}-rgb"
        return harness.decoded_once(
            lambda: self._pixels(part), of=what, listed=self._listed[part], mean=MEAN, std=STD
        )

    @cached_property
    def _listed(self) -> dict[harness.Part, str]:
        """Walked once, since a split is asked for often, and taken along to worker processes."""
        return {part: harness.listing(self._root(part)) for part in PARTS}

    def _pixels(self, part: harness.Part) -> harness.Decodes:
        from torchvision import transforms

        side, labels = self.shape[1], {name: at for at, name in enumerate(self._class_names)}
        steps = [transforms.Resize(side), transforms.CenterCrop(side), transforms.PILToTensor()]
        root = self._root(part)
        labelled = [(path, labels[path.relative_to(root).parts[0]]) for path in self._images(part)]
        return _Decoded(labelled, transforms.Compose(steps))

    def fingerprint(self) -> str:
        """Hash of every image's place and content."""
        found = hashlib.sha256(str(self.shape).encode())
        for part in PARTS:
            root = self._root(part)
            for image in self._images(part):
                # Names are bytes to the system, and may be no text.
                found.update(os.fsencode(f"{part}/{image.relative_to(root).as_posix()}\0"))
                found.update(hashlib.sha256(image.read_bytes()).digest())
        return found.hexdigest()[:12]

    def augment(self, images: Tensor, generator: Generator) -> Tensor:
        """As is usual: small images shifted and mirrored, large ones cut, scaled and mirrored."""
        return harness.cropped_and_mirrored(images, generator)

    def _root(self, part: harness.Part) -> Path:
        if self.path is None:
            raise harness.HarnessError("give the folder's path: --dataset folder:PATH")
        names = ["train"] if part == "train" else ["test", "val"]
        for name in names:
            if (self.path / name).is_dir():
                return self.path / name
        raise harness.HarnessError(f"{self.path} has no {' or '.join(f'{n}/' for n in names)} in it")

    def _images(self, part: harness.Part) -> list[Path]:
        root = self._root(part)
        images = [
            path
            for name in _sub_folders(root)
            for path in harness.files_under(root / name)
            if path.suffix.lower() in ENDINGS
        ]
        if not images:
            raise harness.HarnessError(f"{root} has no CLASS/IMAGE files in it")
        return images


@dataclass(frozen=True)
class _Decoded:
    """Images of files, with their labels."""

    labelled: Sequence[tuple[Path, int]]
    transform: Callable[[Image], Tensor]

    def __len__(self) -> int:
        return len(self.labelled)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.labelled[index]
        return self.transform(_opened(path)), label


def _opened(path: Path) -> Image:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return harness.rgb_image(image)
    except (OSError, harness.HarnessError) as error:
        raise harness.HarnessError(f"{path} cannot be read: {error}") from None


def _sub_folders(root: Path) -> list[str]:
    """Names of the classes: what is hidden, as .ipynb_checkpoints, is none."""
    return sorted(
        item.name for item in root.iterdir() if item.is_dir() and not item.name.startswith(".")
    )


@harness.hookimpl
def harness_datasets() -> Iterable[harness.Dataset]:
    """Offer image folders."""
    return [Folder()]
