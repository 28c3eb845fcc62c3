"""Atomic file writes, errors of the system that name the file, and TOML."""

from __future__ import annotations

import os
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPORARY_PREFIX = ".tmp-"
WEIGHTS = "weights.safetensors.zst"
ZSTD_LEVEL = 3
CACHE_VARIABLE = "HARNESS_CACHE"


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees the whole of it or the file before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
    try:
        with naming(path), os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner can read; reports are for everybody.
        Path(unfinished).chmod(0o644)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def read_toml(path: Path) -> dict[str, Any]:
    """Values of a TOML file. Raises ValueError where it is none, OSError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("brackets within brackets without end") from None


def writing_problem(path: Path) -> str | None:
    """Why nothing can be written at a path, tried in the nearest folder there is; None otherwise."""
    if "\0" in str(path):
        return "embedded null character"
    try:
        path = path.expanduser().absolute()
        beside = next(parent for parent in (path, *path.parents) if parent.exists())
        folder = beside if beside != path or beside.is_dir() else beside.parent
        with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=folder):
            return None
    except (OSError, RuntimeError) as error:
        # As of a home that nobody has.
        return getattr(error, "strerror", None) or str(error)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in an error of the system, as one of a full disk does not by itself."""
    try:
        yield
    except OSError as error:
        # Libraries raise it with words of their own, which tell enough.
        if error.errno is not None and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def sync_file(path: Path) -> None:
    """Flush the file to the disk itself (fsync)."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def cache_folder() -> Path:
    """Cache folder for all runs of this user: HARNESS_CACHE, or where the system keeps caches."""
    import platformdirs

    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder) if folder else platformdirs.user_cache_path("pruning-harness")
