"""What the harness raises: every message names the value that is wrong and the way out."""

from __future__ import annotations

import traceback
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from click import unstyle

if TYPE_CHECKING:
    from collections.abc import Iterable


class HarnessError(Exception):
    """The request cannot be carried out; the command line prints it in one line and exits with 2."""


class DamagedError(HarnessError):
    """A row, a record or a file of an artifact that is not what was written."""


class UnwritableError(HarnessError):
    """A path that an option named to be written to, and that cannot be."""

    def __init__(self, path: object, reason: object, *, option: str = "--out") -> None:
        super().__init__(f"{option}: {path} cannot be written ({reason}); choose another")


class UnknownNameError(HarnessError):
    """A name that no plugin, column or setting answers to; the message offers the nearest one.

    Where there are many, `shown_by` is the command that shows them all.
    """

    def __init__(self, kind: str, name: str, allowed: Iterable[str], *, shown_by: str = "") -> None:
        known = sorted(allowed)
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        listed = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
        there = f"there are: {listed or 'none'}"
        if shown_by and len(known) > 12:
            there = f"`{shown_by}` shows all {len(known)}"
        super().__init__(f"no {kind} is called {name!r}{hint} ({there})")


class NameCollisionError(HarnessError):
    """Two distributions offer a plugin of one kind under one name."""


class UnsupportedError(HarnessError):
    """This cell cannot be: it becomes a row with status `skipped` and this message as its reason."""


def visible(text: str) -> str:
    """Text with control and direction characters as escapes, which are seen and not obeyed."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text
    )


def valid_text(text: str) -> str:
    """Text that any file may hold and any terminal show.

    Names in another encoding come from the system in pieces.
    """
    try:
        return visible(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    except UnicodeEncodeError:
        return visible(text.encode("utf-8", "replace").decode())


def failure_reason(error: BaseException) -> str:
    """The error in one line, with the place it came from and what caused it first."""
    first = error
    while first.__cause__ is not None:
        first = first.__cause__
    because = "" if first is error else f"; because {_words(first)}"
    frames = traceback.extract_tb(error.__traceback__)
    location = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{_words(error)}{location}{because}"


def _words(error: BaseException) -> str:
    # Some libraries colour their messages.
    words = visible(" ".join(unstyle(str(error)).split()))
    return f"{type(error).__name__}: {words[:300]}" if words else type(error).__name__
