"""The digits are split for good; a folder of images is read as it lies."""

import os
import shutil
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torchvision.datasets.folder import IMG_EXTENSIONS

from harness.contracts.data import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.planning.axis_selection import chosen_dataset
from harness.testing import check_dataset
from harness_plugins.datasets.digits import Digits
from harness_plugins.datasets.folder import ENDINGS, Folder


def test_digits_are_1200_to_train_and_597_to_test_stratified():
    counts = {part: torch.bincount(Digits().split(part).tensors[1]) for part in ("train", "test")}
    assert {part: int(count.sum()) for part, count in counts.items()} == {"train": 1200, "test": 597}
    assert int((counts["train"] - 2.01 * counts["test"]).abs().max()) <= 2


def test_no_digit_is_in_both_parts():
    parts = [
        {i.numpy().tobytes() for i in Digits().split(part).tensors[0]} for part in ("train", "test")
    ]
    assert not parts[0] & parts[1]


def test_digits_are_normalised_by_the_training_part_alone():
    images = Digits().split("train").tensors[0]
    assert float(images.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(images[:, 0].std()) == pytest.approx(1.0, abs=1e-4)


def test_shifts_are_whole_pixels_of_the_same_digit():
    image = torch.arange(32.0).expand(1, 3, 32, 32).clone()
    shifted = Digits().augment(image, torch.Generator().manual_seed(3))
    offset = float(shifted[0, 0, 16, 16] - image[0, 0, 16, 16])
    assert abs(offset) <= 2
    assert torch.equal(shifted[:, :, :, 4:28], image[:, :, :, 4:28] + offset)


def test_a_folder_has_the_classes_of_its_sub_folders(image_folder):
    folder = Folder().configured(str(image_folder))
    assert (folder.name, folder.classes, folder.shape) == ("folder:images", 3, (3, 32, 32))
    assert len(folder.split("train")) == 36
    assert sorted({label for _, label in folder.split("test")}) == [0, 1, 2]


def test_a_folder_is_preprocessed_as_it_is_asked_to(image_folder):
    whole = Folder().configured(str(image_folder))
    cut = whole.preprocessed(
        Preprocessing(size=24, crop_pct=0.75, mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 1.0))
    )
    mean, std = (torch.tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    pixels = [(image * std + mean)[:, 4:28, 4:28] for image, _ in whole.split("test")]
    wanted = [(image - 0.5) / torch.tensor([0.25, 0.5, 1.0])[:, None, None] for image in pixels]
    assert cut.shape == (3, 24, 24)
    torch.testing.assert_close([image for image, _ in cut.split("test")], wanted)
    assert len({d.fingerprint() for d in (whole, cut, cut.preprocessed(whole.preprocessing()))}) == 3


def test_images_without_parts_are_one_set_that_says_so(image_folder):
    apart = Folder().configured(str(image_folder))
    one_set = Folder().configured(str(image_folder / "train"))
    assert (apart.test_images_in_train(), one_set.test_images_in_train()) == (0, 36)
    assert (apart.is_one_set(), one_set.is_one_set()) == (False, True)
    assert stacked(one_set).equal(torch.stack([image for image, _ in one_set.split("test")]))


def test_copies_of_training_images_among_the_tests_are_counted(image_folder):
    [image, other] = sorted((image_folder / "train").glob("*/*.png"))[:2]
    for place in ("digit0", "digit2"):
        shutil.copy(image, image_folder / "test" / place / "under_another_name.png")
    shutil.copy(other, sorted((image_folder / "test" / "digit1").iterdir())[0])
    assert Folder().configured(str(image_folder)).test_images_in_train() == 3


def test_classes_are_named_in_the_order_of_labels(image_folder):
    names = Folder().configured(str(image_folder)).class_names()
    assert list(names) == ["digit0", "digit1", "digit2"]


def test_val_serves_as_test(image_folder):
    (image_folder / "test").rename(image_folder / "val")
    assert len(Folder().configured(str(image_folder)).split("test")) == 18


def test_a_folders_fingerprint_follows_its_images(image_folder):
    folder = Folder().configured(str(image_folder))
    before = folder.fingerprint()
    assert replace(folder).fingerprint() == before
    victim = sorted((image_folder / "train").glob("*/*.png"))[0]
    victim.write_bytes(sorted((image_folder / "test").glob("*/*.png"))[-1].read_bytes())
    assert replace(folder).fingerprint() != before


def test_a_folder_without_splits_or_path_says_what_is_missing(tmp_path):
    with pytest.raises(HarnessError, match="has no train/ in it"):
        Folder().configured(str(tmp_path))
    with pytest.raises(HarnessError, match="folder:PATH"):
        Folder().split("train")


def test_unlike_classes_are_refused(image_folder):
    (image_folder / "test" / "digit2").rename(image_folder / "test" / "digit7")
    with pytest.raises(HarnessError, match="different classes: digit2, digit7"):
        Folder().configured(str(image_folder))


def test_a_class_without_images_is_refused(image_folder):
    for image in (image_folder / "test" / "digit1").iterdir():
        image.unlink()
    with pytest.raises(HarnessError, match="test has no images of digit1"):
        Folder().configured(str(image_folder))


def test_images_end_as_torchvision_says():
    assert set(ENDINGS) == set(IMG_EXTENSIONS)


def test_an_image_that_cannot_be_read_is_named(image_folder):
    victim = sorted((image_folder / "train").glob("*/*.png"))[3]
    victim.write_bytes(victim.read_bytes()[:60])
    with pytest.raises(HarnessError, match=f"{victim} cannot be read"):
        Folder().configured(str(image_folder)).split("train")


def test_files_that_are_no_images_are_passed_over(image_folder):
    before = Folder().configured(str(image_folder))
    for name in (".DS_Store", "Thumbs.db", "._0.png", "notes.txt"):
        (image_folder / "train" / "digit0" / name).write_bytes(b"clutter")
    (image_folder / "train" / ".ipynb_checkpoints").mkdir()
    (image_folder / "train" / "digit0" / ".thumbnails").mkdir()
    (image_folder / "train" / "digit0" / ".thumbnails" / "0.png").write_bytes(b"clutter")
    after = Folder().configured(str(image_folder))
    assert after.shape == (3, 32, 32)
    assert after.fingerprint() == before.fingerprint()
    assert len(after.split("train")) == 36


@pytest.mark.parametrize("place", ["digit1", "digit1/more"])
def test_images_behind_links_to_folders_are_seen_when_they_change(place, image_folder, tmp_path):
    linked, elsewhere = image_folder / "train" / place, tmp_path / "elsewhere"
    if place == "digit1":
        linked.rename(elsewhere)
    else:
        shutil.copytree(image_folder / "train" / "digit1", elsewhere)
    linked.symlink_to(elsewhere, target_is_directory=True)
    before = Folder().configured(str(image_folder))
    fingerprint, images = before.fingerprint(), stacked(before)

    victim, other = sorted(elsewhere.glob("*.png"))[:2]
    victim.write_bytes(other.read_bytes() + b"changed")
    after = Folder().configured(str(image_folder))

    assert after.fingerprint() != fingerprint
    assert not stacked(after).equal(images)


def stacked(folder):
    return torch.stack([image for image, _ in folder.split("train")])


@pytest.mark.parametrize("back", [".", ".."])
def test_a_link_that_leads_back_brings_no_image_again(back, image_folder):
    before = Folder().configured(str(image_folder))
    (image_folder / "train" / "digit1" / "again").symlink_to(back, target_is_directory=True)
    after = Folder().configured(str(image_folder))
    assert len(after.split("train")) == 36
    assert after.fingerprint() == before.fingerprint()


@pytest.mark.parametrize("name", [b"caf\xe9", b"digit0/\xff.png"])
def test_names_that_are_no_text_are_names_like_others(name, image_folder):
    first = image_folder / "train" / "digit0"
    if b"/" in name:
        sorted(first.iterdir())[0].rename(os.fsdecode(os.fsencode(first.parent) + b"/" + name))
    else:
        for part in ("train", "test"):
            folder = image_folder / part / "digit0"
            folder.rename(os.fsdecode(os.fsencode(folder.parent) + b"/" + name))
    folder = Folder().configured(str(image_folder))
    assert (folder.classes, len(folder.split("train")), len(folder.fingerprint())) == (3, 36, 12)


def test_sixteen_bit_images_keep_what_is_to_be_seen(image_folder):
    eight = [image for image, _ in Folder().configured(str(image_folder)).split("test")]
    for path in image_folder.glob("*/*/*.png"):
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        Image.fromarray(grey).save(path)
    found = [image for image, _ in Folder().configured(str(image_folder)).split("test")]
    torch.testing.assert_close(found, eight)


def test_an_image_of_floats_is_named_with_the_way_out(image_folder):
    victim = sorted((image_folder / "train").glob("*/*.png"))[3].with_suffix(".tiff")
    Image.fromarray(np.zeros((32, 32), np.float32)).save(victim)
    with pytest.raises(HarnessError, match=f"{victim} cannot be read: .* write it with 8 or 16 bits"):
        Folder().configured(str(image_folder)).split("train")


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(image_folder, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(HarnessError, match=f"{tmp_path}/file/cache.* set HARNESS_CACHE to a folder"):
        Folder().configured(str(image_folder)).split("train")


@pytest.fixture
def mnist_folder(tmp_path):
    """The digits of scikit-learn in the files that MNIST comes in."""
    digits = load_digits()
    images = np.kron(digits.images * 255 / 16, np.ones((3, 3))).astype(np.uint8)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, part in (("train", slice(0, 200)), ("t10k", slice(200, 300))):
        for kind, code, values in (
            ("images-idx3", 3, images[part]),
            ("labels-idx1", 1, digits.target[part].astype(np.uint8)),
        ):
            sizes = np.array(values.shape, dtype=">i4").tobytes()
            content = bytes([0, 0, 8, code]) + sizes + values.tobytes()
            (raw / f"{name}-{kind}-ubyte").write_bytes(content)
    return tmp_path


def test_timms_data_sets_are_read_by_their_own_names(mnist_folder):
    dataset = chosen_dataset(discover(), "torch/mnist", folder=mnist_folder)
    assert (dataset.name, dataset.classes, dataset.shape) == ("torch/mnist", 10, (3, 28, 28))
    assert {part: len(dataset.split(part)) for part in ("train", "test")} == {"train": 200, "test": 100}
    assert dataset.split("train").labels == load_digits().target[:200].tolist()
    assert dataset.class_names()[:2] == ["0 - zero", "1 - one"]
    assert dataset.preprocessed(Preprocessing(size=14)).shape == (3, 14, 14)
    check_dataset(dataset)


def test_a_fingerprint_follows_the_images_of_timms_data_sets(mnist_folder):
    before = chosen_dataset(discover(), "torch/mnist", folder=mnist_folder).fingerprint()
    assert chosen_dataset(discover(), "torch/mnist", folder=mnist_folder).fingerprint() == before
    file = mnist_folder / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = file.read_bytes()
    file.write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    assert chosen_dataset(discover(), "torch/mnist", folder=mnist_folder).fingerprint() != before


@pytest.fixture
def tars(tmp_path, image_folder):
    """The folder's images in a tar file for each part."""
    (tmp_path / "made" / "digits").mkdir(parents=True)
    for part, name in (("train", "train"), ("test", "validation")):
        with tarfile.open(tmp_path / "made" / "digits" / f"{name}.tar", "w") as file:
            file.add(image_folder / part, arcname=".")
    return tmp_path / "made"


# timm leaves it to Python to close what it opens.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_images_are_read_from_tar_files(tars, image_folder):
    dataset = chosen_dataset(discover(), "tar/digits", folder=tars)
    assert (dataset.name, dataset.classes, dataset.shape) == ("tar/digits", 3, (3, 32, 32))
    assert dataset.class_names() == ["digit0", "digit1", "digit2"]
    check_dataset(dataset)
    folder = Folder().configured(str(image_folder))
    for part in ("train", "test"):
        ours, theirs = (
            {(int(label), image.numpy().tobytes()) for image, label in d.split(part)}
            for d in (dataset, folder)
        )
        assert ours == theirs


# timm leaves it to Python to close what it opens.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_thumbnail_in_a_tar_file_decides_nothing(tars, image_folder):
    first = sorted((image_folder / "train").glob("*/*.png"))[0]
    Image.open(first).resize((20, 20)).save(first)
    with tarfile.open(tars / "digits" / "train.tar", "w") as file:
        file.add(image_folder / "train", arcname=".")
    assert chosen_dataset(discover(), "tar/digits", folder=tars).shape == (3, 32, 32)


# timm leaves it to Python to close what it opens.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_image_in_a_tar_file_that_cannot_be_read_is_named(tars, image_folder):
    victim = sorted((image_folder / "train").glob("*/*.png"))[3]
    victim.write_bytes(b"no image")
    with tarfile.open(tars / "digits" / "train.tar", "w") as file:
        file.add(image_folder / "train", arcname=".")
    dataset = chosen_dataset(discover(), "tar/digits", folder=tars)
    with pytest.raises(HarnessError, match=rf"{victim.name}\) cannot be read"):
        dataset.split("train")


# timm leaves it to Python to close what it opens.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_tar_file_that_is_cut_off_is_refused(tars):
    file = tars / "digits" / "validation.tar"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(HarnessError, match=r"tar/digits cannot be read from .*unexpected end of data"):
        chosen_dataset(discover(), "tar/digits", folder=tars)


def test_tar_files_of_unlike_classes_are_refused(tars, image_folder):
    with tarfile.open(tars / "digits" / "validation.tar", "w") as file:
        file.add(image_folder / "test" / "digit0", arcname="digit0")
    with pytest.raises(HarnessError, match="the two parts of tar/digits have different classes"):
        chosen_dataset(discover(), "tar/digits", folder=tars)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tar/absent", "tar/absent cannot be read from .*train.tar is not there.*--data-dir"),
        ("torch/mnist", "torch/mnist cannot be read from .*Dataset not found.*--download fetches it"),
        ("torch/cifar11", "torch/cifar11 cannot be read from .*Unknown torchvision dataset cifar11"),
        ("torch", "dataset 'torch' needs an argument, as torch:cifar10"),
        ("torch/image_folder", "a folder of images is --dataset folder:PATH"),
        ("digits", "--data-dir is for data sets as torch/cifar10, not for digits"),
    ],
)
def test_a_data_set_that_cannot_be_read_says_so(tmp_path, text, sentence):
    with pytest.raises(HarnessError, match=sentence):
        chosen_dataset(discover(), text, folder=tmp_path)
