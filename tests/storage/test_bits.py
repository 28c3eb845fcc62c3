"""Bits of a row: what comes back, and what a text that is none of them costs."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DamagedError
from harness.storage.bits import decode_bits, encode_bits

LARGE_BOMB = base64.b64encode(zlib.compress(bytes(20_000_000), 9)).decode()
BOMB = base64.b64encode(zlib.compress(bytes(50_000_000), 9)).decode()


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_bits_come_back(bits):
    assert decode_bits(encode_bits(np.array(bits)), len(bits)).tolist() == bits


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (encode_bits(np.ones(16, dtype=bool)), 17),
        (encode_bits(np.ones(16, dtype=bool)), 8),
        (encode_bits(np.ones(16, dtype=bool)), 10**15),
        (BOMB, 16),
        ("", 16),
        ("no base64 !", 16),
        (base64.b64encode(b"no zlib").decode(), 16),
    ],
    ids=["one more", "one less", "as many as fill the memory", "a bomb", "nothing", "words", "bytes"],
)
def test_a_text_of_another_number_of_bits_is_refused(text, count):
    with pytest.raises(DamagedError, match=r"does not tell which|test images, and there are"):
        decode_bits(text, count)


def test_more_bits_than_there_are_test_images_are_not_unpacked():
    with pytest.raises(DamagedError, match="160000000 test images, and there are 100000000 at most"):
        decode_bits(LARGE_BOMB, 160_000_000)
