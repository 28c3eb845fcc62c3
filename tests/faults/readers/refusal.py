"""Refusals: what a reader may raise, open and take of the memory, whatever it is given."""

import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from os.path import normpath
from pathlib import Path

import click

from harness.errors import HarnessError
from tests.doubles import ROOT

REFUSALS = (HarnessError, click.ClickException)
"""What a command prints in one line, and exits with 2."""
MOST_GROWTH = 1 << 30
"""Bytes that one file of a few kilobytes may take at most."""
MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of one's own is made in it

STARTS = ("os.system", "os.exec", "os.fork", "subprocess.Popen", "socket.connect")
OPENED: list[str] = []
WATCHED = [False]


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if WATCHED[0] and event == "open" and isinstance(arguments[0], str):
        OPENED.append(arguments[0])
    elif WATCHED[0] and event in STARTS:
        OPENED.append(event)


sys.addaudithook(_audit)


@cache
def scratch() -> Path:
    """A folder of this process, in memory where that can be."""
    return Path(tempfile.mkdtemp(prefix="readers-", dir=MEMORY if MEMORY.is_dir() else None))


@contextmanager
def refusing() -> Iterator[None]:
    """What is refused is well; what is opened elsewhere, and memory without end, is not."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    OPENED.clear()
    WATCHED[0] = True
    try:
        with suppress(*REFUSALS):
            yield
    finally:
        WATCHED[0] = False
    inside = (str(scratch()), str(ROOT), sys.prefix, sys.base_prefix, "/proc", "/sys", "/usr/lib")
    opened = [normpath(path) for path in OPENED if "site-packages" not in path]
    elsewhere = [path for path in opened if not path.startswith(inside)]
    assert not elsewhere, elsewhere
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST_GROWTH, f"{grown / 1e6:.0f} MB for one file"


def written(name: str, content: bytes) -> Path:
    """A file of that content."""
    path = scratch() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def remove(folder: Path) -> None:
    """A folder and all in it."""
    shutil.rmtree(folder)
