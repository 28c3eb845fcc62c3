"""Reports: files made from the rows alone, by every reporter plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import failure_reason
from harness.storage.files import write_file
from harness.storage.keys import file_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.contracts.reporters import Reporter
    from harness.ranking.leaderboard import RankedRows


def write_reports(
    folder: Path, rows: RankedRows, reporters: Sequence[Reporter]
) -> tuple[list[Path], list[str]]:
    """Write every reporter's files into the run folder: their paths, and failures in one line each."""
    written: list[Path] = []
    problems: list[str] = []
    for reporter in reporters:
        try:
            for name, content in reporter.render(rows).items():
                # A plugin's file name never becomes a path.
                path = folder / file_name(name)
                write_file(path, content)
                written.append(path)
        except (Exception, SystemExit) as error:
            problems.append(f"reporter {reporter.name}: {failure_reason(error)}")
    return written, problems
