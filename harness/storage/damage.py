"""Damage: what of a run folder's artifacts, samples and rows is not what was written."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import DamagedError, failure_reason
from harness.storage.artifacts import check_artifact
from harness.storage.files import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.storage.artifacts import ArtifactStore


@dataclass(frozen=True)
class Damage:
    """Damage of a folder or a file, and the sentence that says what it is."""

    path: Path
    reason: str


def artifact_damages(store: ArtifactStore, check_facts: Callable[[Path], object]) -> Iterator[Damage]:
    """Damages of a store's artifacts and records, all of which are read.

    `check_facts` raises DamagedError where a snapshot's facts are none, as an earlier release's may be.
    """
    for path in store.paths():
        try:
            if path.is_file():
                store.sound_record(path.stem, json.loads)
            else:
                check_artifact(path)
            if (path / WEIGHTS).is_file():
                check_facts(path)
        except DamagedError as error:
            yield Damage(path, str(error))


def sample_damages(samples: Path) -> Iterator[Damage]:
    """Damages of a run's archives of what was timed, whose arrays tell a CRC-32 each."""
    for path in sorted(samples.glob("*.npz")):
        try:
            with zipfile.ZipFile(path) as archive:
                array = archive.testzip()
        except Exception as error:
            # Whatever a damaged archive makes of the libraries that unpack it.
            yield Damage(path, f"{path.name} is damaged: {failure_reason(error)}")
        else:
            if array is not None:
                yield Damage(path, f"{path.name} is damaged: the checksum of {array!a} is another")
