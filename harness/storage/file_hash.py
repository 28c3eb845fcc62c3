"""Content hash of a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from pathlib import Path


def file_hash(path: Path) -> str:
    """SHA-256 of a file, first twelve hex digits. Raises HarnessError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:12]
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}") from None
