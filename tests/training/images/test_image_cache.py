"""Images are decoded once, whoever asks, and are the same numbers as if they were not."""

import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from harness.contracts.data import Preprocessing
from harness.training.images import image_cache as pixels
from harness.training.images.image_cache import NormalisedImages, decoded_once, listing

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
PREPROCESSING = Preprocessing(size=5, mean=MEAN, std=STD)


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


class Drawings:
    """Three by five by five bytes each, that count how often they are drawn."""

    def __init__(self, count):
        self.count, self.drawn = count, 0

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.drawn += 1
        image = np.random.default_rng(index).integers(0, 256, (3, 5, 5), dtype=np.uint8)
        return torch.from_numpy(image), index % 7


def decoded(source, listed="a"):
    return decoded_once(
        lambda: source,
        of="drawings",
        listed=listed,
        preprocessing=PREPROCESSING,
    )


def test_the_second_who_asks_decodes_nothing():
    source = Drawings(600)
    first = decoded(source)
    drawn = source.drawn
    assert drawn >= 600
    second = decoded(source)
    assert [second[n][1] for n in range(600)] == first.labels == [n % 7 for n in range(600)]
    assert source.drawn == drawn


def test_what_is_cached_is_what_would_have_been_decoded(tmp_path):
    cached, plain = (
        decoded(Drawings(40)),
        NormalisedImages(Drawings(40), tmp_path, mean=MEAN, std=STD),
    )
    assert len(cached) == len(plain) == 40
    for place in range(40):
        assert torch.equal(cached[place][0], plain[place][0])
        assert cached[place][1] == plain[place][1]


def test_batches_hold_the_same_as_single_images():
    cached = decoded(Drawings(40))
    images, labels = next(iter(DataLoader(cached, batch_size=40)))
    assert torch.equal(images, torch.stack([cached[place][0] for place in range(40)]))
    assert labels.tolist() == cached.labels


def test_a_batch_may_be_written_to_and_leaves_the_cache_alone():
    cached = decoded(Drawings(8))
    before = cached[3][0].clone()
    cached[3][0].zero_()
    assert torch.equal(cached[3][0], before)


def test_other_files_have_another_cache_and_another_fingerprint():
    assert decoded(Drawings(8)).fingerprint() != decoded(Drawings(9), listed="b").fingerprint()


def test_what_would_fill_the_disk_is_decoded_at_every_call_and_has_the_same_hash(monkeypatch):
    cached = decoded(Drawings(8))
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(pixels.shutil, "disk_usage", lambda _: usage._replace(free=75 * 8))
    source = Drawings(8)
    streamed = decoded(source, listed="names")
    before = source.drawn
    assert streamed[0][1] == 0
    assert source.drawn == before + 1
    assert streamed.labels == [n % 7 for n in range(8)]
    assert streamed.fingerprint() == cached.fingerprint()


def test_decoding_that_is_cut_short_leaves_nothing_behind_that_looks_whole():
    class Broken(Drawings):
        def __getitem__(self, index):
            if index == 300:
                raise OSError("truncated file")
            return super().__getitem__(index)

    with pytest.raises(OSError, match="truncated"):
        decoded(Broken(600))
    assert len(decoded(Drawings(600))) == 600


def test_names_with_dots_are_made_apart(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(pixels, "_fits", lambda _, place: bool(made.append(place.name)))
    for part in ("train", "test"):
        decoded_once(
            lambda: Drawings(2),
            of=f"v1.0-{part}",
            listed="a",
            preprocessing=PREPROCESSING,
        )
    assert len(set(made)) == 2


def test_a_listing_follows_names_sizes_and_times(tmp_path):
    (tmp_path / "a").write_text("one")
    before = listing(tmp_path)
    assert listing(tmp_path) == before
    (tmp_path / "a").rename(tmp_path / "b")
    assert listing(tmp_path) != before
