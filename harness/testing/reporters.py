"""Reporters: files from rows."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from harness.contracts.reporters import Reporter
from harness.storage.keys import file_name
from harness.storage.run_folder import OWN_FILES
from harness.testing.arguments import called, ready
from harness.testing.example_rows import example_rows
from harness.testing.promises import STEADY_NAME, keep
from harness.testing.requirements import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contracts.abilities import Abilities
    from harness.testing.promises import Promises

    Rows = Sequence[Mapping[str, Any]]


def check_reporter(reporter: Reporter, rows: Rows | None = None) -> Abilities:
    """Bytes under plain file names, the same from the same rows, from many rows and from none.

    `rows` are those of a small run where none are given. Returns the reporter's abilities.
    """
    return keep(reporter_promises(reporter, rows))


def reporter_promises(reporter: Reporter, rows: Rows | None = None) -> Promises:
    """What `check_reporter` tries."""
    yield f"{called(reporter)} {STEADY_NAME}"
    reporter, abilities = ready(reporter, Reporter, argument=None)
    yield f"{reporter.name}: bytes under plain file names, from many rows and from none"
    many = example_rows() if rows is None else rows
    files = _rendered(reporter, many)
    _rendered(reporter, [])
    yield f"{reporter.name}: the same rows make the same files"
    require(files == _rendered(reporter, many), f"{reporter.name}: the same rows, other files")
    return abilities


def _rendered(reporter: Reporter, rows: Rows) -> Mapping[str, bytes]:
    """Files, the rows left as they were."""
    given = copy.deepcopy(list(rows))
    files = reporter.render(given)
    require(given == [*rows], f"{reporter.name}: changes rows, which others read after it")
    for name, content in files.items():
        require(name == file_name(name), f"{reporter.name}: {name!r} is no plain file name")
        require(name not in OWN_FILES, f"{reporter.name}: {name!r} is the run's own")
        require(isinstance(content, bytes), f"{reporter.name}: {name} must be bytes")
    return files
