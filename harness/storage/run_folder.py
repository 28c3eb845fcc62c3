"""Run folder: a finished run's rows, and the models behind them where they are still there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.json import Decoder

from harness.errors import HarnessError, UnknownNameError
from harness.storage.artifacts import ARTIFACTS, ArtifactStore
from harness.storage.files import read_toml
from harness.storage.keys import dense_key, level_key
from harness.storage.ledger import DAMAGED, ROWS, WAY_OUT, Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SAMPLES = "samples"
"""Of a run folder: archives of what was timed, by session."""
OPTIONS = "options.toml"
"""Of a run folder: what was asked for, as `--config` reads it."""
OWN_FILES = frozenset({ARTIFACTS, DAMAGED, OPTIONS, ROWS, SAMPLES})
"""Of a run folder: what no reporter writes."""


class _Level(Struct):
    """What this package needs of a level's record."""

    snapshot: str


@dataclass(frozen=True)
class RunFolder:
    """Run folder of a finished run, read only."""

    path: Path

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Rows of its ledger.

        Raises HarnessError where there is none, naming the nearest run folder, or one is damaged.
        """
        for damage in self.damages:
            raise HarnessError(f"{damage}; {WAY_OUT.format(self.path)}")
        return self.sound_rows

    @property
    def sound_rows(self) -> list[dict[str, Any]]:
        """Rows that are not damaged. Raises HarnessError as `rows` where there is no ledger."""
        return self._ledger[0]

    @property
    def damages(self) -> list[str]:
        """What is wrong with rows that are damaged. Raises HarnessError where there is no ledger."""
        return self._ledger[1]

    @cached_property
    def _ledger(self) -> tuple[list[dict[str, Any]], list[str]]:
        if not (self.path / ROWS).is_file():
            similar = sorted(path.parent.as_posix() for path in self.path.parent.glob(f"*/{ROWS}"))
            raise UnknownNameError("run folder", self.path.as_posix(), similar)
        return Ledger(self.path).read()

    @cached_property
    def options(self) -> dict[str, Any]:
        """What was asked for, by option; nothing of runs of earlier releases."""
        file = self.path / OPTIONS
        try:
            return read_toml(file) if file.is_file() else {}
        except (OSError, ValueError) as error:
            raise HarnessError(f"{file}: {error}") from None

    @property
    def store(self) -> ArtifactStore:
        """Artifact store of its models."""
        return ArtifactStore(self.path / ARTIFACTS)

    def snapshot(self, row: Mapping[str, Any]) -> Path | None:
        """Folder of a row's snapshot; None where it is not in the store."""
        if row["pruner"] == "dense":
            return self._stored_folder(row["trial"])
        record = self.store.sound_record(
            level_key(row["trial"], row["sparsity"]), Decoder(_Level).decode
        )
        return self._stored_folder(record.snapshot) if record else None

    def dense(self, row: Mapping[str, Any]) -> Path | None:
        """Folder of the dense model that a row started from; None where it is not in the store."""
        return self._stored_folder(dense_key({**row, "pruner": "dense"}))

    def _stored_folder(self, key: str) -> Path | None:
        return self.store.folder(key) if key and key in self.store else None
