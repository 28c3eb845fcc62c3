"""Plugin selection: one rule for the names on every axis."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_selection(terms: str, names: Sequence[str], *, kind: str) -> list[tuple[str, str | None]]:
    """Parse a selection into names with their arguments, in the order of `names`.

    `all`, a name, `name:argument`, a shell pattern, `!name` to leave out, and commas between them.
    Raises UnknownNameError for a term that matches nothing.
    """
    listed = split_terms(terms)
    if not listed:
        raise HarnessError(f"{terms!r} chooses no {kind}; `all` chooses every one")
    left_out = {
        name for term in listed if term.startswith("!") for name in _matching(term[1:], names, kind)
    }
    positive = [term for term in listed if not term.startswith("!")] or ["all"]
    selection: dict[tuple[str, str | None], None] = {}
    for term in positive:
        name_pattern, colon, argument = term.partition(":")
        for name in _matching(name_pattern, names, kind):
            if name not in left_out:
                selection[name, argument if colon else None] = None
    if not selection:
        raise HarnessError(f"{terms!r} leaves no {kind}")
    return sorted(selection, key=lambda pair: names.index(pair[0]))


def selected_names(terms: str, names: Sequence[str], *, kind: str) -> list[str]:
    """Names that a selection picks. Raises HarnessError where a term has an argument."""
    selection = parse_selection(terms, names, kind=kind)
    for name, argument in selection:
        if argument is not None:
            raise HarnessError(f"{kind} {name!r} takes no argument, so not {name}:{argument}")
    return [name for name, _ in selection]


def split_terms(terms: str) -> list[str]:
    """Terms of a comma list, without spaces and empty ones."""
    return [term.strip() for term in terms.split(",") if term.strip()]


def _matching(term: str, names: Sequence[str], kind: str) -> list[str]:
    if term == "all":
        return list(names)
    matching = [name for name in names if name == term or fnmatchcase(name, term)]
    if not matching:
        # Kinds of few names, as granularities, are shown in the message itself.
        raise UnknownNameError(kind, term, names, shown_by=f"harness list {kind}s")
    return matching
