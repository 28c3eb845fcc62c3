"""Artifact store: finished steps on disk by content key, written under a temporary name first.

What is not what was written is set aside with its reason, and then is not there: it is made again.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.errors import DamagedError, failure_reason
from harness.storage.checksums import (
    CHECKS,
    ChecksumError,
    check_files,
    checked_json,
    is_checked,
    read_checked,
    write_checks,
)
from harness.storage.files import (
    TEMPORARY_PREFIX,
    append_line,
    make_folder,
    naming,
    sync_contents,
    sync_folder,
    write_file,
)
from harness.storage.keys import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Content = TypeVar("Content")

ARTIFACTS = "artifacts"
"""Folder of a run that holds its artifacts."""
DAMAGED = "damaged"
"""Of a store: what was set aside, each in a folder of its own."""
REASONS = "reasons.txt"
"""Of what was set aside: why, a line each."""


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
        make_folder(self.root)
        unfinished = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=self.root))
        try:
            with naming(self.folder(key)):
                yield unfinished
                write_checks(unfinished, self.folder(key).name)
            sync_contents(unfinished)
            try:
                unfinished.rename(self.folder(key))
            except OSError:
                if key not in self:
                    raise
            # The other process's, too, is relied on from here.
            sync_folder(self.root)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def take(self, other: ArtifactStore, key: str) -> bool:
        """Copy another store's artifact; whether this store has one under the key after that.

        Raises DamagedError where the other's is not what was written.
        """
        if key in other and key not in self:
            check_artifact(other.folder(key))
            with self.writing(key) as folder:
                shutil.copytree(
                    other.folder(key), folder, dirs_exist_ok=True, ignore=lambda *_: [CHECKS]
                )
        return key in self

    def content(self, key: str, name: str, read: Callable[[bytes], Content]) -> Content | None:
        """What `read` has of an artifact's file; None where it is not there, or not sound."""
        if key not in self:
            return None
        path = self.folder(key) / name
        try:
            return _read(read, read_artifact(path), path)
        except DamagedError as error:
            self.set_aside(self.folder(key), error)
            return None

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Temporary folder, gone after the block; `sweep` removes what a killed process leaves."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=self.root) as folder:
            yield Path(folder)

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """Write a JSON record under the key, over an earlier one."""
        path = self._record_path(key)
        write_file(path, checked_json(record, key=path.stem))

    def record(self, key: str, read: Callable[[bytes], Content]) -> Content | None:
        """Record as `read` has it of its JSON; None where it is not there, or not sound."""
        try:
            return self.sound_record(key, read)
        except DamagedError as error:
            self.set_aside(self._record_path(key), error)
            return None

    def sound_record(self, key: str, read: Callable[[bytes], Content]) -> Content | None:
        """The same of a store that is only read. Raises DamagedError where it is not sound."""
        path = self._record_path(key)
        if not path.is_file():
            return None
        text = path.read_bytes()
        try:
            is_checked(text, key=path.stem)
        except ChecksumError as error:
            raise DamagedError(f"{path.name} is damaged: {error}") from None
        return _read(read, text, path)

    def paths(self) -> list[Path]:
        """Folders of artifacts and files of records, by name."""
        return [
            path
            for path in sorted(self.root.glob("*"))
            if path.name != DAMAGED and not path.name.startswith(TEMPORARY_PREFIX)
        ]

    def set_aside(self, path: Path, reason: object) -> None:
        """Move a folder or a record out of the way, with the reason, unless another process has."""
        aside = self.root / DAMAGED
        make_folder(aside)
        own = Path(tempfile.mkdtemp(prefix=f"{path.name}.", dir=aside))
        sync_folder(aside)
        try:
            path.rename(own / path.name)
        except OSError:
            own.rmdir()
            if path.exists():
                raise
            return
        append_line(aside / REASONS, f"{reason}\n".encode())
        # Its new name first: a power cut between the two leaves both, and never neither.
        for folder in (own, aside, path.parent):
            sync_folder(folder)

    def reasons(self) -> list[str]:
        """Why what was set aside was, the latest last."""
        path = self.root / DAMAGED / REASONS
        return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []

    def _record_path(self, key: str) -> Path:
        return self.root / f"{file_name(key)}.json"

    def sweep(self) -> None:
        """Remove what a killed process left unfinished; only the run that holds the lock may."""
        if self.root.is_dir():
            # What it had renamed, and not synced, is taken for finished from here on.
            sync_folder(self.root)
        for folder in (self.root, self.root.parent):
            for unfinished in folder.glob(f"{TEMPORARY_PREFIX}*"):
                if unfinished.is_dir():
                    shutil.rmtree(unfinished, ignore_errors=True)
                else:
                    unfinished.unlink(missing_ok=True)


def read_artifact(path: Path) -> bytes:
    """Content of an artifact's file. Raises DamagedError where it is gone or not what was written."""
    try:
        return read_checked(path)
    except ChecksumError as error:
        raise DamagedError(str(error)) from None


def check_artifact(folder: Path) -> None:
    """Raise DamagedError where a file of an artifact is gone or not what was written."""
    try:
        check_files(folder)
    except ChecksumError as error:
        raise DamagedError(str(error)) from None


def _read(read: Callable[[bytes], Content], content: bytes, path: Path) -> Content:
    try:
        return read(content)
    except Exception as error:
        # Of a release that told no checksum, or of another one.
        raise DamagedError(
            f"{path.parent.name}/{path.name} is damaged: {failure_reason(error)}"
        ) from None
