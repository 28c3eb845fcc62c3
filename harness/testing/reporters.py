"""Reporters: files from rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.contracts.reporters import Reporter
from harness.storage.keys import file_name
from harness.testing.arguments import ready
from harness.testing.requirements import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.testing.abilities import Abilities


def check_reporter(reporter: Reporter, rows: Sequence[Mapping[str, Any]]) -> Abilities:
    """Bytes under plain file names, the same from the same rows, from many rows and from none."""
    reporter, abilities = ready(reporter, Reporter, argument=None)
    for given in (rows, []):
        files, again = reporter.render(given), reporter.render(given)
        for name, content in files.items():
            require(name == file_name(name), f"{reporter.name}: {name!r} is no plain file name")
            require(isinstance(content, bytes), f"{reporter.name}: {name} must be bytes")
        require(files == again, f"{reporter.name}: the same rows must make the same files")
    return abilities
