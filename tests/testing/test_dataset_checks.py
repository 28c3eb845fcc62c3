"""Each check of a dataset refuses one that is wrong in that way alone."""

from dataclasses import dataclass, replace
from pathlib import Path
from unittest import SkipTest

import pytest
import torch
from torch.utils.data import TensorDataset

import harness
from harness.testing.datasets import check_dataset
from harness.training.synthetic import NoiseImages


class Small(NoiseImages):
    """Noise whose images are changed by the tests; what the broken ones below start from."""

    def split(self, part):
        return TensorDataset(*self.changed(*self.part(part)))

    def part(self, part):
        """Half of the images, the others in the other part."""
        half = slice(None, 32) if part == "train" else slice(32, None)
        images, labels = self.tensors
        return images[half], labels[half]

    def changed(self, images, labels):
        return images, labels


class Cropped(Small):
    def changed(self, images, labels):
        return images[:, :, 1:], labels


class Doubles(Small):
    def changed(self, images, labels):
        return images.double(), labels


class Restless(Small):
    """Another image each time that it is read."""

    def split(self, part):
        class Drawn(TensorDataset):
            def __getitem__(self, index):
                image, label = super().__getitem__(index)
                return torch.rand_like(image), label

        return Drawn(*self.part(part))


class DrawnAnew(Small):
    """Another image each time that it is split."""

    def changed(self, images, labels):
        return torch.rand_like(images), labels


class Empty(Small):
    def changed(self, images, labels):
        return images[:0], labels[:0]


class Mislabelled(Small):
    """Has one label that is none, in the middle."""

    def changed(self, images, labels):
        return images, torch.where(torch.arange(len(labels)) == 15, 10, labels)


class Holed(Small):
    def changed(self, images, labels):
        images[15, 0, 0, 0] = float("nan")
        return images, labels


class Unscaled(Small):
    def changed(self, images, labels):
        return images * 255, labels


class OnTrainingImages(Small):
    def part(self, part):
        return super().part("train")


class Confessing(OnTrainingImages):
    """Says that its parts share images, as a folder without parts does."""

    def test_images_in_train(self):
        return 32

    def is_one_set(self):
        return True


class Unmarked(Small):
    def fingerprint(self):
        return ""


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Cropped(), r"is shaped \(3, 15, 16\), not \(3, 16, 16\)"),
        (Doubles(), "images are float32"),
        (Restless(), "reads differ"),
        (DrawnAnew(), "reads differ: other images of train each time"),
        (Holed(), "image 15 of train holds NaN or infinity"),
        (Unscaled(), "is not normalised: it reaches"),
        (OnTrainingImages(), "32 images are in train and in test"),
        (Empty(), "train is empty"),
        (Mislabelled(), "label 10 of image 15 of train"),
        (Unmarked(), "fingerprint"),
    ],
)
def test_a_broken_dataset_is_told_what_is_wrong(broken, sentence):
    assert check_dataset(Small()) == ()
    assert check_dataset(Confessing()) == (harness.SharesImages,)
    with pytest.raises(AssertionError, match=sentence):
        check_dataset(broken)


class Mirrored(Small):
    """Half of the images from right to left."""

    def augment(self, images, generator):
        turned = torch.rand(len(images), generator=generator) < 0.5
        return torch.where(turned[:, None, None, None], images.flip(3), images)


class InPlace(Mirrored):
    def augment(self, images, generator):
        return images.add_(1.0)


class Halving(Mirrored):
    def augment(self, images, generator):
        return images[:, :, ::2]


class Rounding(Mirrored):
    def augment(self, images, generator):
        return images.half()


class OwnDice(Mirrored):
    def augment(self, images, generator):
        return images + torch.rand(1)


class Blackout(Mirrored):
    def augment(self, images, generator):
        return images * torch.rand(1, generator=generator).round() * 0


class Darkening(Mirrored):
    """Grey, of whichever brightness."""

    def augment(self, images, generator):
        return images * 0 + torch.rand(1, generator=generator)


class Turning(Mirrored):
    """From right to left, always."""

    def augment(self, images, generator):
        return images.flip(3)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Blackout(), "does not draw from its generator"),
        (Turning(), "does not draw from its generator"),
        (Darkening(), "`augment` leaves nothing to see"),
        (InPlace(), "`augment` must not change the images in place"),
        (Halving(), r"augmented images are torch.float32 of shape"),
        (Rounding(), "augmented images are torch.float16"),
        (OwnDice(), "`augment` draws from its generator alone"),
    ],
)
def test_augmenting_makes_a_copy_by_the_generator_alone(broken, sentence):
    assert check_dataset(Mirrored()) == (harness.Augments,)
    with pytest.raises(AssertionError, match=sentence):
        check_dataset(broken)


class Prepared(Small):
    preloads = ("json", "torch.utils.data")


class Hoping(Small):
    preloads = ("harness_no_such_library.data",)


class Spelling(Small):
    preloads = "json"


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Hoping(), "preloads 'harness_no_such_library.data', which is no module here"),
        (Spelling(), "preloads must be a sequence of module names, not a text"),
    ],
)
def test_modules_to_preload_are_there(broken, sentence):
    assert check_dataset(Prepared()) == (harness.Preloads,)
    with pytest.raises(AssertionError, match=sentence):
        check_dataset(broken)


@dataclass(frozen=True)
class Shelved(Small):
    """Read from a folder that holds a file called `images`."""

    folder: Path | None = None

    def located(self, folder, *, download):
        if not (folder / "images").exists() and not download:
            raise harness.HarnessError(f"{folder} holds no images")
        return replace(self, folder=folder)

    def split(self, part):
        if self.folder is None:
            raise harness.HarnessError("--data-dir says where the images are")
        return super().split(part)


class Anywhere(Shelved):
    def located(self, folder, *, download):
        return replace(self, folder=folder)


def test_a_dataset_refuses_a_folder_that_it_is_not_in(tmp_path):
    (tmp_path / "images").touch()
    there = Shelved().located(tmp_path, download=False)
    assert check_dataset(there) == (harness.Located,)
    with pytest.raises(AssertionError, match="`located` refuses a folder that it is not in"):
        check_dataset(Anywhere())


def test_a_dataset_whose_images_are_not_here_is_skipped_with_the_reason():
    with pytest.raises(SkipTest, match="noise: --data-dir says where the images are"):
        check_dataset(Shelved())
