"""RGB image: eight bits a channel, of whatever kind of pixels a file has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from PIL.Image import Image

UNKNOWN_RANGES = {"I": "32-bit integers", "F": "floating-point numbers"}
"""What these modes of Pillow's hold; black and white are at values that no file says."""


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
