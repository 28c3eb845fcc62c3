"""Reports: files made from the rows alone, by every reporter plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.contracts.call_limit import call_limit
from harness.errors import HarnessError, failure_reason
from harness.storage.files import write_file
from harness.storage.keys import file_name
from harness.storage.run_folder import OWN_FILES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.contracts.reporters import Reporter
    from harness.ranking.leaderboard import RankedRows


def write_reports(
    folder: Path, rows: RankedRows, reporters: Sequence[Reporter]
) -> tuple[list[Path], list[str]]:
    """Write every reporter's files into the run folder: their paths, and failures in one line each."""
    owners = dict.fromkeys(OWN_FILES, "the run itself")
    problems: list[str] = []
    before = [dict(row) for row in rows]
    for reporter in reporters:
        try:
            with call_limit("`render`"):
                contents = [*reporter.render(rows).items()]
            for name, content in contents:
                # A plugin's file name never becomes a path.
                _write(folder, file_name(name), content, reporter=reporter.name, owners=owners)
        except (Exception, SystemExit) as error:
            problems.append(f"reporter {reporter.name}: {failure_reason(error)}")
        if [*rows] != before:
            _restore(rows, before)
            problems.append(f"reporter {reporter.name} changed rows, which are as they were again")
    return [folder / name for name in owners if name not in OWN_FILES], problems


def _write(folder: Path, name: str, content: bytes, *, reporter: str, owners: dict[str, str]) -> None:
    """Write a file that nobody else has written. Raises HarnessError naming who has."""
    if owners.setdefault(name, reporter) != reporter:
        raise HarnessError(f"{name} is written by {owners[name]}: its own needs another name")
    write_file(folder / name, content)


def _restore(rows: RankedRows, before: Sequence[dict[str, Any]]) -> None:
    for row, columns in zip(rows, before, strict=True):
        if isinstance(row, dict):
            row.clear()
            row.update(columns)
