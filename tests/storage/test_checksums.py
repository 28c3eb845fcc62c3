"""What tells a checksum is what was written, of the key that it is read by, or it is damaged."""

import json
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.storage.checksums import (
    CHECK,
    CHECKS,
    ChecksumError,
    check_files,
    checked_json,
    is_checked,
    read_checked,
)

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


@pytest.mark.parametrize("name", ["../outside", "{outside}", "a" * 300, "sub/../../outside"])
def test_a_name_out_of_a_file_never_becomes_a_path(tmp_path, name):
    outside, folder = tmp_path / "outside", tmp_path / "one"
    outside.write_bytes(b"")
    folder.mkdir()
    name = name.format(outside=outside)
    (folder / CHECKS).write_bytes(checked_json({name: zlib.crc32(b"")}, key="one"))
    with pytest.raises(ChecksumError, match="is gone"):
        check_files(folder)


def test_brackets_without_end_are_no_checksums(tmp_path):
    text = b'{"a": %b%b}' % (b"[" * 60_000, b"]" * 60_000)
    check = b', "check": "%08x"}' % zlib.crc32(text, zlib.crc32(tmp_path.name.encode()))
    (tmp_path / CHECKS).write_bytes(text[:-1] + check)
    with pytest.raises(ChecksumError, match="is damaged"):
        read_checked(tmp_path / CHECKS)
