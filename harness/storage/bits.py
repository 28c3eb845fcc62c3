"""Bit strings: booleans, one a test image, as a short text."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def encode_bits(bits: NDArray[np.bool_]) -> str:
    """Text of booleans `(n,)`: base64 of zlib of packed bits."""
    import numpy as np

    return base64.b64encode(zlib.compress(np.packbits(bits).tobytes(), 9)).decode()


def decode_bits(text: str, count: int) -> NDArray[np.bool_]:
    """Booleans `(count,)` from a text of `encode_bits`."""
    import numpy as np

    packed = np.frombuffer(zlib.decompress(binascii.a2b_base64(text)), dtype=np.uint8)
    return np.unpackbits(packed, count=count).view(np.bool_)
