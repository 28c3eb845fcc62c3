"""Images are moved, cut and mirrored, and nothing else happens to them."""

import pytest
import torch

from harness.training.images.augmentation import cropped_and_mirrored


def changed(images, seed=0):
    return cropped_and_mirrored(images, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("side", [32, 96])
def test_the_same_seed_changes_images_alike(side):
    images = torch.rand(8, 3, side, side)
    assert torch.equal(changed(images), changed(images))
    assert not torch.equal(changed(images), changed(images, seed=1))
    assert changed(images).shape == images.shape


def test_small_images_are_moved_by_whole_pixels_and_half_are_mirrored():
    ramp = torch.arange(1.0, 33.0).expand(400, 1, 32, 32).clone()
    found = changed(ramp)[:, 0, 16, 12:20].diff(dim=1)
    rising, falling = (found == 1.0).all(1), (found == -1.0).all(1)
    assert bool((rising | falling).all())
    assert 150 < int(falling.sum()) < 250


def test_large_images_are_cut_to_parts_of_themselves():
    ramp = torch.linspace(0.0, 1.0, 96).expand(400, 1, 96, 96).clone()
    spans = changed(ramp)[:, 0, 48].amax(1) - changed(ramp)[:, 0, 48].amin(1)
    # The narrowest cut: 8 % of the area, as wide as 3/4 of its height.
    assert 0.24 <= float(spans.min()) < 0.5
    assert 0.9 < float(spans.max()) <= 1.0
