"""Reported values: what papers say of a method, beside what was measured here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.storage.files import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Reported:
    """Value that a paper reports of a pruner on a network; `dataset` is a shell pattern.

    Never ranked: papers train longer, by recipes of their own.
    """

    model: str
    dataset: str
    pruner: str
    value: str
    source: str

    @property
    def text(self) -> str:
        """The value, and where it stands."""
        return f"{self.value} ({self.source})"


def read_reported(path: Path) -> list[Reported]:
    """Reported values of a TOML file, tables called `reported`.

    Raises HarnessError where one has another key than a `Reported`, or lacks one.
    """
    try:
        tables = read_toml(path).get("reported", [])
    except (OSError, ValueError) as error:
        raise HarnessError(f"--reported {path}: {error}") from None
    if not isinstance(tables, list):
        raise HarnessError(f"--reported {path}: reported is a list of tables, not {tables!r:.60}")
    return [_reported(table, path, number) for number, table in enumerate(tables, start=1)]


def _reported(table: Mapping[str, Any], path: Path, number: int) -> Reported:
    names = [item.name for item in fields(Reported)]
    wrong = sorted(set(table) ^ set(names)) if isinstance(table, dict) else names
    if wrong or not all(isinstance(table[name], str) for name in names):
        raise HarnessError(
            f"--reported {path}: entry {number} needs the texts {', '.join(names)}, and nothing else"
        )
    return Reported(**table)


def reported_of(reported: Sequence[Reported], row: Mapping[str, Any]) -> str:
    """What papers report of a row's pruner on its network; empty where nothing is known."""
    return "; ".join(
        one.text
        for one in reported
        if (one.model, one.pruner) == (row["model"], row["pruner"])
        and fnmatchcase(row["dataset"], one.dataset)
    )
