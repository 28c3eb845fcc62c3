"""Finished steps on disk by content key: written to a temporary name, then moved into place."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.keys import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ARTIFACTS = "artifacts"
"""Where a run folder keeps them."""

_HALF_WRITTEN = ".tmp-"


class ArtifactStore:
    """Folders of files by key; a folder that exists is complete."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        """Where the key's files are, or would be."""
        return self.root / file_name(key)

    def __contains__(self, key: str) -> bool:
        return self.folder(key).is_dir()

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """A folder to fill, moved into place when the block ends well and removed when not.

        Where another process finished the same key first, its folder stays: content is the same.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=_HALF_WRITTEN, dir=self.root))
        try:
            with naming(self.folder(key)):
                yield half
            for file in half.iterdir():
                _sync(file)
            try:
                half.rename(self.folder(key))
            except OSError:
                if key not in self:
                    raise
        finally:
            shutil.rmtree(half, ignore_errors=True)

    def take(self, other: ArtifactStore, key: str) -> bool:
        """Copy what another store keeps under the key; whether there was something to copy."""
        if key in other and key not in self:
            with self.writing(key) as folder:
                shutil.copytree(other.folder(key), folder, dirs_exist_ok=True)
        return key in self

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder that is gone after the block; `sweep` removes what a killed process leaves of it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_HALF_WRITTEN, dir=self.root) as folder:
            yield Path(folder)

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """Keep a JSON record under the key, over an earlier one."""
        write_file(self._record_path(key), json.dumps(record).encode())

    def record(self, key: str) -> dict[str, Any] | None:
        """The record kept under the key, or None."""
        path = self._record_path(key)
        return dict(json.loads(path.read_text())) if path.is_file() else None

    def _record_path(self, key: str) -> Path:
        return self.root / f"{file_name(key)}.json"

    def sweep(self) -> None:
        """Remove what a killed process left half written; only the run that holds the lock may."""
        for folder in (self.root, self.root.parent):
            for half in folder.glob(f"{_HALF_WRITTEN}*"):
                if half.is_dir():
                    shutil.rmtree(half, ignore_errors=True)
                else:
                    half.unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Write the whole file or nothing: a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(prefix=_HALF_WRITTEN, dir=path.parent)
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


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
