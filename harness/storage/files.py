"""Atomic and durable writes, errors of the system that name the file, and files of settings."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import tomllib
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPORARY_PREFIX = ".tmp-"
WEIGHTS = "weights.safetensors.zst"
ZSTD_LEVEL = 3
CACHE_VARIABLE = "HARNESS_CACHE"
UNSYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
"""Where a folder cannot be synced: some file systems know no such fsync, some folders are not read."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically and durably: a reader sees the whole of it or the file before.

    It is on the disk when this returns, under its name.
    """
    make_folder(path.parent)
    handle, unfinished = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
    try:
        # mkstemp makes files that only their owner can read; reports are for everybody.
        Path(unfinished).chmod(0o644)
        with naming(path), os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Append a line durably: it is on the disk when this returns, and so is the name of a new file.

    It begins anew where a power cut left half of the last one.
    """
    with naming(path):
        if not path.is_file():
            make_folder(path.parent)
            path.touch()
            sync_folder(path.parent)
        with path.open("ab+") as file:
            file.seek(max(0, file.tell() - 1))
            file.write(line if file.read(1) in (b"", b"\n") else b"\n" + line)
            file.flush()
            os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder and those above it durably: what is synced in it is not lost with its name."""
    new = [*takewhile(lambda one: not one.exists(), (folder, *folder.parents))]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        sync_folder(one.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder atomically, where there is one: whoever is interrupted leaves no half of it."""
    unfinished = folder.with_name(f"{TEMPORARY_PREFIX}{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    if folder.is_dir():
        folder.rename(unfinished)
        sync_folder(folder.parent)
        shutil.rmtree(unfinished, ignore_errors=True)


def sync_contents(folder: Path) -> None:
    """Flush the files in a folder, and their names, to the disk itself, as before it is renamed."""
    for file in folder.iterdir():
        sync_file(file)
    sync_folder(folder)


def read_toml(path: Path) -> dict[str, Any]:
    """Values of a TOML file. Raises ValueError where it is none, OSError where it cannot be read."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        _refuse_long_numbers(values, "")
    except RecursionError:
        raise ValueError("brackets within brackets without end") from None
    return values


def _refuse_long_numbers(value: object, name: str) -> None:
    """Raise ValueError of whole numbers beyond TOML's 64 bits: Python reads them, and writes none."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} is a whole number of more than 64 bits")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_long_numbers(item, key)
    if isinstance(value, list):
        for item in value:
            _refuse_long_numbers(item, name)


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


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk itself: a file's own fsync promises its content alone.

    Nothing on Windows, where no folder is opened.
    """
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise


def cache_folder() -> Path:
    """Cache folder for all runs of this user: HARNESS_CACHE, or where the system keeps caches."""
    import platformdirs

    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder) if folder else platformdirs.user_cache_path("pruning-harness")
