"""What tells a checksum is what was written, of the key that it is read by, or it is damaged."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.storage.checksums import CHECK, ChecksumError, checked_json, is_checked

RECORDS = st.dictionaries(
    st.text(max_size=5), st.none() | st.booleans() | st.floats(-1, 1) | st.text(), max_size=4
)


@given(record=RECORDS.filter(lambda record: CHECK not in record), key=st.text(max_size=5))
def test_what_was_written_is_read_back(record, key):
    text = checked_json(record, key=key)
    assert is_checked(text, key=key)
    assert json.loads(text).items() >= record.items()


@given(record=RECORDS, data=st.data())
def test_no_changed_bit_is_taken_for_what_was_written(record, data):
    text = bytearray(checked_json(record, key="own"))
    position = data.draw(st.integers(0, len(text) - 1))
    text[position] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(ChecksumError):
        assert not is_checked(bytes(text), key="own"), "only as of a release that told none"


def test_a_text_of_another_key_is_damaged():
    text = checked_json({"top1": 0.5}, key="one")
    with pytest.raises(ChecksumError, match="it is not what was written"):
        is_checked(text, key="other")
    assert not is_checked(b'{"top1": 0.5}', key="other"), "of a release that told none"
    assert not is_checked(b"")
