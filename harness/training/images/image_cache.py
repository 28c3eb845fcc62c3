"""Image cache: decoded and resized once, into a file that every process maps; else streamed."""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.errors import HarnessError
from harness.storage.files import cache_folder, sync_contents, sync_folder
from harness.storage.keys import digest, file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from torch import Tensor
    from torch.utils.data import Dataset as TorchDataset

    from harness.contracts.data import Preprocessing

    Pairs = TorchDataset[tuple[Tensor, int]]
    Pixels = np.ndarray[Any, np.dtype[np.uint8]]
else:
    # PyTorch's loader asks for these methods only, and to import it would slow the listing down.
    Pairs = object

MAX_DISK_FRACTION = 0.5
"""Largest fraction of the free disk that a cache may take."""
CHUNK_IMAGES = 256
IMAGES, LABELS, HASH = "images.npy", "labels.npy", "sha256"


class Decodes(Protocol):
    """Decoding source: pairs of a `(channels, height, width)` image of bytes and its label."""

    def __len__(self) -> int:
        """Number of images."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Image and label, decoded now."""


class NormalisedImages(Pairs):
    """Normalised float images by index, decoded at every call; labels from `folder`."""

    def __init__(
        self, source: Decodes, folder: Path, *, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        import torch

        self._source = source
        self._folder = folder
        self._mean, self._std = (torch.tensor([*v])[:, None, None] for v in (mean, std))

    @cached_property
    def labels(self) -> list[int]:
        """Labels in order."""
        import numpy as np

        labels: list[int] = np.load(self._folder / LABELS).tolist()
        return labels

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, label = self._source[index]
        return self._normalised(image), label

    def fingerprint(self) -> str:
        """Fingerprint: a hash of all images, decoded, and their labels."""
        return (self._folder / HASH).read_text()

    def _normalised(self, images: Tensor) -> Tensor:
        # In this order of operations, torchvision's own, whose last bits results depend on.
        return images.float().div_(255.0).sub_(self._mean).div_(self._std)


class MappedImages(NormalisedImages):
    """Normalised float images from a cache that `decoded_once` wrote, several at a time."""

    def __init__(self, folder: Path, *, mean: Sequence[float], std: Sequence[float]) -> None:
        import numpy as np

        self._pixels: Pixels = np.load(folder / IMAGES, mmap_mode="r")
        super().__init__(self, folder, mean=mean, std=std)

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, int]]:
        """Batch of images and labels, by the method that PyTorch's loader calls."""
        import torch

        # Indexed by a list, a map is copied, which a tensor may write to.
        images = self._normalised(torch.from_numpy(self._pixels[[*indices]]))
        return [(image, self.labels[index]) for image, index in zip(images, indices, strict=True)]


def decoded_once(
    open_source: Callable[[], Decodes],
    *,
    of: str,
    listed: str,
    preprocessing: Preprocessing,
) -> NormalisedImages:
    """Image cache: the images from the disk; opened and decoded now where they are not there.

    Where they would not fit, the cache holds their labels and their hash alone.
    `of` says what they are, and `listed` is a digest of what they are read from: the cache of another
    is not theirs. Mean and deviation are applied to what it holds. The cache is in HARNESS_CACHE, or
    where the system keeps caches.
    """
    from filelock import FileLock

    mean, std = preprocessing.mean, preprocessing.std
    pixels = repr(replace(preprocessing, mean=(), std=()))
    what = f"{of}-{preprocessing.size}-rgb"
    folder = cache_folder() / file_name(f"{what}-{digest([what, listed, pixels])}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock").acquire()
    except OSError as error:
        raise HarnessError(
            f"the image cache {folder.parent} cannot be written ({error.strerror}): "
            "set HARNESS_CACHE to a folder that can"
        ) from error
    with lock:
        if not folder.is_dir():
            _decode(open_source(), folder)
    if (folder / IMAGES).is_file():
        return MappedImages(folder, mean=mean, std=std)
    return NormalisedImages(open_source(), folder, mean=mean, std=std)


def listing(root: Path) -> str:
    """Digest of the names, sizes and times of the files under a folder, without reading them."""
    hasher = hashlib.sha256()
    for path in files_under(root) if root.is_dir() else [root]:
        stat = path.stat()
        # Names are bytes to the system, and may be no text.
        hasher.update(os.fsencode(path.relative_to(root)))
        hasher.update(f"\0{stat.st_size} {stat.st_mtime_ns}".encode())
    return hasher.hexdigest()[:12]


def files_under(root: Path) -> Iterator[Path]:
    """Files under a folder, links to folders followed, in an order of names alone.

    Those whose name or folder is hidden (`.ipynb_checkpoints`, `._0.png`) are passed over, and links
    that lead back to where they are in, behind which every file would come again and again.
    """
    for folder, names, files in os.walk(root, followlinks=True):
        here = Path(folder).resolve()
        shown = sorted(name for name in names if not name.startswith("."))
        names[:] = [name for name in shown if not here.is_relative_to((here / name).resolve())]
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder) / name


def _fits(source: Decodes, path: Path) -> bool:
    image, _ = source[0]
    return image.numel() * len(source) < MAX_DISK_FRACTION * shutil.disk_usage(path).free


def _decode(source: Decodes, folder: Path) -> None:
    """Write the cache under another name and rename it when it is whole."""
    import numpy as np

    unfinished = folder.with_name(f"{folder.name}.making")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    image, _ = source[0]
    shape = (len(source), *image.shape)
    pixels: np.memmap[Any, np.dtype[np.uint8]] | None = None
    if _fits(source, unfinished):
        pixels = np.lib.format.open_memmap(unfinished / IMAGES, mode="w+", dtype=np.uint8, shape=shape)
    labels = np.empty(len(source), dtype=np.int64)
    hasher = hashlib.sha256(repr(shape).encode())
    for first, pairs in _chunks(source):
        end = first + len(pairs)
        images = np.stack([pair[0].numpy() for pair in pairs])
        if pixels is not None:
            pixels[first:end] = images
        labels[first:end] = [pair[1] for pair in pairs]
        hasher.update(images.tobytes())
    hasher.update(labels.tobytes())
    if pixels is not None:
        pixels.flush()
    np.save(unfinished / LABELS, labels)
    (unfinished / HASH).write_text(hasher.hexdigest()[:12])
    # The hash is taken at its word: what it is of has to be there where it is.
    sync_contents(unfinished)
    unfinished.rename(folder)
    sync_folder(folder.parent)


def _chunks(source: Decodes) -> Iterator[tuple[int, list[tuple[Tensor, int]]]]:
    """Chunks: where each begins and its pairs, decoded by a thread a core, with a progress bar."""
    from rich.console import Console
    from rich.progress import track

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        starts: Iterable[int] = range(0, len(source), CHUNK_IMAGES)
        for first in track(starts, "decoding images", console=Console(stderr=True), transient=True):
            indices = islice(range(len(source)), first, first + CHUNK_IMAGES)
            yield first, list(threads.map(source.__getitem__, indices))
