"""A folder of images, one sub-folder a class."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING, Self

import harness

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Generator, Tensor

LARGEST = 224
SAMPLED = 30
"""Images, about, that tell how large they are."""
PARTS: tuple[harness.Part, ...] = ("train", "test")
TRAIN, TEST = ("train",), ("test", "val")
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Those of torchvision, which takes PyTorch's seconds to import."""


@dataclass(frozen=True)
class Folder:
    """`folder:PATH` with train/CLASS/*.jpg and test/CLASS/*.jpg (or val/); sides at most 224.

    CLASS/*.jpg alone is one set of images, for what trains nothing.
    """

    path: Path | None = None
    asked: harness.Preprocessing | None = None
    whole: Folder | None = None
    """The same images by no preprocessing that was asked for: files are read once for all."""

    @property
    def name(self) -> str:
        """`folder`, and the last part of the path: the whole path would tie results to a machine."""
        return f"folder:{_text(self.path.name)}" if self.path else "folder"

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

    def class_names(self) -> list[str]:
        """Of the sub-folders; bytes that are no text are shown as question marks."""
        return [_text(name) for name in self._class_names]

    @cached_property
    def _class_names(self) -> list[str]:
        return _sub_folders(self._root("train"))

    def image_side(self) -> int:
        """Median of training images spread over all of them: one may be a thumbnail."""
        return self._image_side

    @cached_property
    def _image_side(self) -> int:
        from PIL import Image

        images, sides = self._images("train"), []
        for path in images[:: max(1, len(images) // SAMPLED)]:
            try:
                with Image.open(path) as image:
                    sides.append(min(image.size))
            except OSError as error:
                raise harness.HarnessError(f"{path} cannot be read: {error}") from None
        return median_low(sides)

    def preprocessing(self) -> harness.Preprocessing:
        """As was asked for, or the images whole, at most 224 pixels wide."""
        return self.asked or harness.Preprocessing(size=min(self.image_side(), LARGEST))

    def preprocessed(self, preprocessing: harness.Preprocessing) -> Self:
        """The same folder."""
        return replace(self, asked=preprocessing, whole=self.whole or self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Colour squares of the size that they are preprocessed to."""
        return (3, self.preprocessing().size, self.preprocessing().size)

    def split(self, part: harness.Part) -> harness.NormalisedImages:
        """Images with their shorter side scaled and the centre cut out, decoded once."""
        return harness.decoded_once(
            lambda: self._pixels(part),
            of=f"{self.name}-{part}",
            listed=(self.whole or self)._listed[part],
            preprocessing=self.preprocessing(),
        )

    @cached_property
    def _listed(self) -> dict[harness.Part, str]:
        """Walked once, since a split is asked for often, and taken along to worker processes."""
        return {part: harness.listing(self._root(part)) for part in PARTS}

    def _pixels(self, part: harness.Part) -> harness.Decodes:
        labels = {name: at for at, name in enumerate(self._class_names)}
        root = self._root(part)
        labelled = [(path, labels[path.relative_to(root).parts[0]]) for path in self._images(part)]
        return _Decoded(labelled, harness.image_transform(self.preprocessing()))

    def fingerprint(self) -> str:
        """Hash of every image's place and content, and of how it is preprocessed."""
        content, _ = (self.whole or self)._content
        if self.asked is None:
            return content
        return hashlib.sha256(f"{content} {self.asked!r}".encode()).hexdigest()[:12]

    def test_images_in_train(self) -> int:
        """By their bytes, whatever their names."""
        _, shared = (self.whole or self)._content
        return shared

    def is_one_set(self) -> bool:
        """Where there are classes in it and no parts."""
        return not self._has_parts

    @cached_property
    def _content(self) -> tuple[str, int]:
        """Fingerprint, and number of test images that are training images: all files read once."""
        hasher = hashlib.sha256(str(self.shape).encode())
        digests: dict[harness.Part, Counter[bytes]] = {}
        for part in PARTS:
            root, images = self._root(part), self._images(part)
            digests[part] = Counter()
            for image in images:
                # Names are bytes to the system, and may be no text.
                hasher.update(os.fsencode(f"{part}/{image.relative_to(root).as_posix()}\0"))
                content = hashlib.sha256(image.read_bytes()).digest()
                hasher.update(content)
                digests[part][content] += 1
        shared = sum(n for content, n in digests["test"].items() if content in digests["train"])
        return hasher.hexdigest()[:12], shared

    def augment(self, images: Tensor, generator: Generator) -> Tensor:
        """As is usual: small images shifted and mirrored, large ones cut, scaled and mirrored."""
        return harness.cropped_and_mirrored(images, generator)

    def _root(self, part: harness.Part) -> Path:
        if self.path is None:
            raise harness.HarnessError("give the folder's path: --dataset folder:PATH")
        names = TRAIN if part == "train" else TEST
        for name in names:
            if (self.path / name).is_dir():
                return self.path / name
        if self.path.is_dir() and _sub_folders(self.path) and not self._has_parts:
            return self.path
        raise harness.HarnessError(f"{self.path} has no {' or '.join(f'{n}/' for n in names)} in it")

    @property
    def _has_parts(self) -> bool:
        return any((self.path or Path()).joinpath(name).is_dir() for name in (*TRAIN, *TEST))

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
        from PIL import Image

        path, label = self.labelled[index]
        try:
            with Image.open(path) as image:
                return self.transform(image), label
        except (OSError, harness.HarnessError) as error:
            raise harness.HarnessError(f"{path} cannot be read: {error}") from None


def _text(name: str) -> str:
    """A name as text, whatever the locale takes its bytes for."""
    return os.fsencode(name).decode(errors="replace")


def _sub_folders(root: Path) -> list[str]:
    """Names of the classes: what is hidden, as .ipynb_checkpoints, is none."""
    return sorted(
        item.name for item in root.iterdir() if item.is_dir() and not item.name.startswith(".")
    )


@harness.hookimpl
def harness_datasets() -> Iterable[harness.Dataset]:
    """Offer image folders."""
    return [Folder()]
