"""Leftovers: what runs, caches and killed processes left that no row needs."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.storage.artifacts import DAMAGED
from harness.storage.files import TEMPORARY_PREFIX, WEIGHTS, cache_folder, remove_folder
from harness.storage.ledger import DAMAGED as DAMAGED_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.storage.run_folder import RunFolder

DAY = 86_400
TENSORS, EXPORTED = "tensors.safetensors", "content"
"""Files that tell what an artifact is: a cache of scores, or a file that a backend loads."""


@dataclass(frozen=True)
class Leftover:
    """A file or a folder that is needed no more, what it is, and its size in 10^6 bytes."""

    path: Path
    what: str
    megabytes: float


def run_leftovers(run: RunFolder) -> list[Leftover]:
    """Leftovers of a run: what its rows need no more, and what is made again from what they need.

    Never a dense model, a snapshot of a row or a record. Raises HarnessError where a row's record is
    damaged, so that its snapshot is not known.
    """
    needed = {run.snapshot(row) for row in run.rows if row["status"] == "ok"}
    leftovers = [_leftover(path, "half-written, by a killed process") for path in _unfinished(run)]
    aside = (run.store.root / DAMAGED, run.path / DAMAGED_ROWS)
    leftovers += [_leftover(path, "set aside, as it was damaged") for path in aside if path.exists()]
    for path in run.store.paths():
        what = "" if path in needed or path.is_file() else _kind(path)
        if what:
            leftovers.append(_leftover(path, what))
    return leftovers


def cache_leftovers(*, days: float) -> list[Leftover]:
    """Leftovers of the cache of all runs: what was not used for so many days."""
    folders = sorted(path for path in cache_folder().glob("*") if path.is_dir())
    return [
        _leftover(path, f"a cache that was last used {_days_since(path):.0f} days ago")
        for path in folders
        if _days_since(path) >= days
    ]


def temporary_leftovers() -> list[Leftover]:
    """Folders of temporary files that dead processes of this user left."""
    # Elsewhere multiprocessing leaves none.
    user = os.getuid() if hasattr(os, "getuid") else None
    return [
        _leftover(path, "of a process that is dead")
        for path in sorted(Path(tempfile.gettempdir()).glob("pymp-*"))
        if path.is_dir() and path.stat().st_uid == user and _is_dead(path)
    ]


def remove(leftover: Leftover) -> None:
    """Remove a leftover from the disk."""
    if leftover.path.is_dir():
        remove_folder(leftover.path)
    else:
        leftover.path.unlink(missing_ok=True)


def _unfinished(run: RunFolder) -> Iterator[Path]:
    for folder in (run.path, run.store.root):
        yield from sorted(folder.glob(f"{TEMPORARY_PREFIX}*"))


def _kind(path: Path) -> str:
    """What an artifact that no row names is; empty where it may be needed."""
    if (path / TENSORS).is_file():
        return "scores and statistics, computed again where they are wanted"
    if (path / EXPORTED).is_file():
        return "a file for a backend, exported again where it is wanted"
    if (path / WEIGHTS).is_file() and "-dense-" not in path.name:
        return "a model between rounds, or of no row"
    return ""


def _leftover(path: Path, what: str) -> Leftover:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return Leftover(path, what, sum(file.stat().st_size for file in files) / 1e6)


def _days_since(folder: Path) -> float:
    """Days since any of its files was read or written, as far as the system notes that."""
    times = [max(file.stat().st_atime, file.stat().st_mtime) for file in folder.rglob("*")]
    return (time.time() - max(times, default=folder.stat().st_mtime)) / DAY


def _is_dead(folder: Path) -> bool:
    """Whether nobody listens on the sockets there; of a folder without, whether it is a day old."""
    sockets = [path for path in folder.iterdir() if path.is_socket()]
    if not sockets:
        return _days_since(folder) >= 1.0
    return not any(_answers(path) for path in sockets)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
