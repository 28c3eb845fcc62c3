"""Bit strings: booleans, one a test image, as a short text."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

from harness.errors import DamagedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MOST_BITS = 100_000_000
"""More test images than there are; a text says how many in no more letters than of few."""


def encode_bits(bits: NDArray[np.bool_]) -> str:
    """Text of booleans `(n,)`: base64 of zlib of packed bits."""
    import numpy as np

    return base64.b64encode(zlib.compress(np.packbits(bits).tobytes(), 9)).decode()


def decode_bits(text: str, count: int) -> NDArray[np.bool_]:
    """Booleans `(count,)` from a text of `encode_bits`.

    Raises DamagedError where it is no such text, or one of another count.
    """
    import numpy as np

    if count > MOST_BITS:
        raise DamagedError(f"a row is of {count} test images, and there are {MOST_BITS} at most")
    size = -(-count // 8)
    unpacking = zlib.decompressobj()
    try:
        # A text can say that it is as long as the memory.
        packed = unpacking.decompress(binascii.a2b_base64(text), size + 1)
    except (ValueError, TypeError, zlib.error):
        packed = b""
    if len(packed) != size or not unpacking.eof:
        raise DamagedError(f"a row does not tell which of its {count} test images are right")
    return np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=count).view(np.bool_)
