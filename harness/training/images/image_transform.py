"""Image transform: a file's image as the bytes that a network's input is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from torch import Tensor

    from harness.contracts.data import Preprocessing


UNKNOWN_RANGES = {"I": "32-bit integers", "F": "floating-point numbers"}
"""What these modes of Pillow's hold; black and white are at values that no file says."""


def image_transform(preprocessing: Preprocessing) -> Callable[[Image], Tensor]:
    """Transform of an image to `(3, size, size)` bytes, by timm's evaluation transform.

    Mean and deviation are not yet applied: bytes are what a cache keeps. The transform raises
    HarnessError for images whose range is not known.
    """
    from timm.data import create_transform  # type: ignore[attr-defined]  # timm re-exports untyped
    from torchvision.transforms import Compose

    size = preprocessing.size
    scaled_and_cut = create_transform(
        (3, size, size),
        is_training=False,
        interpolation=preprocessing.interpolation,
        crop_pct=preprocessing.crop_pct,
        crop_mode=preprocessing.crop_mode,
        normalize=False,
    )
    transform: Callable[[Image], Tensor] = Compose([rgb_image, *scaled_and_cut.transforms])
    return transform


def rgb_image(image: Image) -> Image:
    """RGB image, 16-bit grey scaled to eight bits, where Pillow would cut off all above 255.

    Raises HarnessError where the range of its pixels is not known.
    """
    # Pillow scales what is in a PGM file of more than eight bits to sixteen.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return _scaled(image).convert("RGB")
    if image.mode in UNKNOWN_RANGES:
        raise HarnessError(
            f"its pixels are {UNKNOWN_RANGES[image.mode]}, of a range that it does not say: "
            "write it with 8 or 16 bits"
        )
    return image.convert("RGB")


def _scaled(image: Image) -> Image:
    import numpy as np
    from PIL.Image import fromarray

    pixels = np.asarray(image).astype(np.uint32)
    return fromarray(((pixels * 255 + 65535 // 2) // 65535).astype(np.uint8))
