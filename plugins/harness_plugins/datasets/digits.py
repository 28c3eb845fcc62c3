"""Real handwritten digits that come with scikit-learn: no download."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import harness

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.utils.data import Dataset, TensorDataset

TEST_IMAGES = 597
SPLIT_SEED = 0
SIZE = 32
MAX_SHIFT = 2


class Digits:
    """1,797 handwritten digits of 8x8, upscaled to 32x32: 1,200 to train, 597 to test, stratified."""

    name = "digits"
    classes = 10
    shape = (3, SIZE, SIZE)
    preloads = ("sklearn.datasets", "sklearn.model_selection")

    def split(self, part: harness.Part) -> Dataset[tuple[Tensor, int]]:
        """The split is the same on every machine; images are normalised by the training split."""
        return cast("Dataset[tuple[Tensor, int]]", _splits()[part])

    def fingerprint(self) -> str:
        """Hash of the packaged file and of how it is split and scaled."""
        settings = f"{TEST_IMAGES} {SPLIT_SEED} {SIZE}".encode()
        return hashlib.sha256(_packaged_file().read_bytes() + settings).hexdigest()[:12]

    def augment(self, images: Tensor, generator: Generator) -> Tensor:
        """Shift each image by up to two pixels each way, edges repeated."""
        import torch
        import torch.nn.functional as F

        padded = F.pad(images, [MAX_SHIFT] * 4, mode="replicate")
        count, height, width = len(images), images.shape[2], images.shape[3]
        shifts = torch.randint(0, 2 * MAX_SHIFT + 1, (2, count, 1), generator=generator)
        rows = shifts[0] + torch.arange(height)
        columns = shifts[1] + torch.arange(width)
        picked = torch.arange(count)[:, None, None]
        return padded.permute(0, 2, 3, 1)[picked, rows[:, :, None], columns[:, None]].permute(
            0, 3, 1, 2
        )


def _packaged_file() -> Path:
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise harness.HarnessError("digits comes with scikit-learn: pip install scikit-learn")
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"


@cache
def _splits() -> dict[harness.Part, TensorDataset]:
    import torch
    import torch.nn.functional as F
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch.utils.data import TensorDataset

    digits = load_digits()
    images = torch.tensor(digits.images / 16.0, dtype=torch.float32)[:, None]
    images = F.interpolate(images, size=SIZE, mode="bilinear", align_corners=False)
    labels = torch.tensor(digits.target)
    train, test = train_test_split(
        torch.arange(len(labels)).numpy(),
        test_size=TEST_IMAGES,
        stratify=digits.target,
        random_state=SPLIT_SEED,
    )
    images = ((images - images[train].mean()) / images[train].std()).repeat(1, 3, 1, 1)
    return {
        "train": TensorDataset(images[train], labels[train]),
        "test": TensorDataset(images[test], labels[test]),
    }


@harness.hookimpl
def harness_datasets() -> Iterable[harness.Dataset]:
    """Offer scikit-learn's digits."""
    return [Digits()]
