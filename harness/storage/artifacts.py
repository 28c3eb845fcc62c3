"""Artifact store: finished steps on disk by content key, written under a temporary name first."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.storage.files import TEMPORARY_PREFIX, naming, sync_file, write_file
from harness.storage.keys import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ARTIFACTS = "artifacts"
"""Folder of a run that holds its artifacts."""


class ArtifactStore:
    """Artifact store: a folder of files for each content key; a folder that exists is complete."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        """Path of the key's files, whether they are there or not."""
        return self.root / file_name(key)

    def __contains__(self, key: str) -> bool:
        return self.folder(key).is_dir()

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Folder to fill, renamed to the key when the block ends well and removed when not.

        Where another process finished the same key first, its folder stays: content is the same.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=self.root))
        try:
            with naming(self.folder(key)):
                yield unfinished
            for file in unfinished.iterdir():
                sync_file(file)
            try:
                unfinished.rename(self.folder(key))
            except OSError:
                if key not in self:
                    raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def take(self, other: ArtifactStore, key: str) -> bool:
        """Copy another store's artifact; whether this store has one under the key after that."""
        if key in other and key not in self:
            with self.writing(key) as folder:
                shutil.copytree(other.folder(key), folder, dirs_exist_ok=True)
        return key in self

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Temporary folder, gone after the block; `sweep` removes what a killed process leaves."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=self.root) as folder:
            yield Path(folder)

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """Write a JSON record under the key, over an earlier one."""
        write_file(self._record_path(key), json.dumps(record).encode())

    def record(self, key: str) -> dict[str, Any] | None:
        """JSON record under the key, or None."""
        path = self._record_path(key)
        return dict(json.loads(path.read_text())) if path.is_file() else None

    def _record_path(self, key: str) -> Path:
        return self.root / f"{file_name(key)}.json"

    def sweep(self) -> None:
        """Remove what a killed process left unfinished; only the run that holds the lock may."""
        for folder in (self.root, self.root.parent):
            for unfinished in folder.glob(f"{TEMPORARY_PREFIX}*"):
                if unfinished.is_dir():
                    shutil.rmtree(unfinished, ignore_errors=True)
                else:
                    unfinished.unlink(missing_ok=True)
