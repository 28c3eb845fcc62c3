"""Checksums: the CRC-32 that JSON texts and the files of an artifact tell, with the key they belong to.

What was swapped is told as what was changed, since a key is summed up too. Files of earlier releases
tell no checksum, and are taken as they are.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHECK = "check"
"""Last name of a JSON object that tells its checksum: the CRC-32 of the others."""
CHECKED_END = re.compile(rb'"check": "([0-9a-f]{8})"\}')
END_BYTES = len(b'"check": "00000000"}')
CHECKS = "checks.json"
"""Of an artifact: the checksums of its other files."""
BUFFER_BYTES = 1 << 18
CHANGED = "its checksum is another: it is not what was written"


class ChecksumError(ValueError):
    """A checksum is not that of what is there; the message says of what."""


def checked_json(value: Mapping[str, Any], *, key: str = "") -> bytes:
    """JSON of an object with its checksum last. Raises ValueError where a number is NaN or infinite."""
    text = json.dumps(value, allow_nan=False).encode()
    comma = b", " if value else b""
    return b'%b%b"check": "%08x"}' % (text[:-1], comma, _sum(text, key))


def is_checked(text: bytes, *, key: str = "") -> bool:
    """Whether a text of `checked_json` tells a checksum. Raises ChecksumError where it is another's."""
    text = text.rstrip()
    told = CHECKED_END.fullmatch(text[-END_BYTES:])
    if told and _sum(text[:-END_BYTES].removesuffix(b", ") + b"}", key) != int(told[1], 16):
        raise ChecksumError(CHANGED)
    return bool(told)


def write_checks(folder: Path, key: str) -> None:
    """Write the checksums of the files that are in an artifact's folder."""
    files = {path.name: _sum_of(path) for path in sorted(folder.iterdir())}
    (folder / CHECKS).write_bytes(checked_json(files, key=key))


def read_checked(path: Path) -> bytes:
    """Content of an artifact's file. Raises ChecksumError where it is gone or not what was written."""
    return _checked_content(path, _checks(path.parent))


def check_files(folder: Path) -> None:
    """Raise ChecksumError where a file of an artifact is not what was written, or is gone."""
    checks = _checks(folder)
    there = {path.name for path in folder.iterdir()}
    for name in checks:
        # A name out of a file never becomes a path.
        if name not in there:
            raise ChecksumError(f"{folder.name}/{name} is gone")
        _checked_content(folder / name, checks)


def _checked_content(path: Path, checks: Mapping[str, int]) -> bytes:
    if not path.is_file():
        raise ChecksumError(f"{_named(path)} is gone")
    content = path.read_bytes()
    if _sum(content) != checks.get(path.name, _sum(content)):
        raise ChecksumError(f"{_named(path)} is damaged: {CHANGED}")
    return content


def _checks(folder: Path) -> dict[str, int]:
    """Checksums by file; none of what an earlier release wrote."""
    path = folder / CHECKS
    if not path.is_file():
        return {}
    text = path.read_bytes()
    try:
        if is_checked(text, key=folder.name):
            return {name: value for name, value in json.loads(text).items() if name != CHECK}
    except (ChecksumError, ValueError, RecursionError):
        pass
    raise ChecksumError(f"{_named(path)} is damaged, or of another artifact: {CHANGED}")


def _sum(content: bytes, key: str = "") -> int:
    return zlib.crc32(content, zlib.crc32(key.encode()))


def _sum_of(path: Path) -> int:
    """Sum of a file, through a buffer that fits a cache: in half the time of reading it whole."""
    total, buffer = _sum(b""), bytearray(BUFFER_BYTES)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            total = zlib.crc32(memoryview(buffer)[:count], total)
    return total


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
