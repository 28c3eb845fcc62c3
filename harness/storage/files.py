"""Files written whole or not at all, and errors that name them."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPORARY_PREFIX = ".tmp-"
WEIGHTS = "weights.safetensors.zst"
ZSTD_LEVEL = 3
CACHE_VARIABLE = "HARNESS_CACHE"


def write_file(path: Path, content: bytes) -> None:
    """Write the whole file or nothing: a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
    try:
        with naming(path), os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner can read; reports are for everybody.
        Path(half).chmod(0o644)
        Path(half).replace(path)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an error of the system name the file, as one of a full disk does not by itself."""
    try:
        yield
    except OSError as error:
        # Libraries raise it with words of their own, which tell enough.
        if error.errno is not None and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def sync_file(path: Path) -> None:
    """Return when the file is on the disk itself."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def cache_folder() -> Path:
    """What is kept for all runs of this user: HARNESS_CACHE, or where the system keeps caches."""
    import platformdirs

    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_cache_path("pruning-harness")
