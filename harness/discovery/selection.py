"""Picking names: one rule for every axis."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence


def selected(terms: str, names: Sequence[str], *, kind: str) -> list[tuple[str, str | None]]:
    """Names with their arguments that a selection picks, in the order of `names`.

    `all`, a name, `name:argument`, a shell pattern, `!name` to leave out, and commas between them.
    Raises UnknownNameError for a term that matches nothing.
    """
    wanted = split_terms(terms)
    if not wanted:
        raise HarnessError(f"{terms!r} chooses no {kind}; `all` chooses every one")
    left_out = {n for t in wanted if t.startswith("!") for n in _matching(t[1:], names, kind)}
    positive = [term for term in wanted if not term.startswith("!")] or ["all"]
    picked: dict[tuple[str, str | None], None] = {}
    for term in positive:
        plain, colon, argument = term.partition(":")
        for name in _matching(plain, names, kind):
            if name not in left_out:
                picked[name, argument if colon else None] = None
    if not picked:
        raise HarnessError(f"{terms!r} leaves no {kind}")
    return sorted(picked, key=lambda pair: names.index(pair[0]))


def selected_names(terms: str, names: Sequence[str], *, kind: str) -> list[str]:
    """`selected` where nothing takes an argument. Raises HarnessError for one that is given."""
    found = selected(terms, names, kind=kind)
    for name, argument in found:
        if argument is not None:
            raise HarnessError(f"{kind} {name!r} takes no argument, so not {name}:{argument}")
    return [name for name, _ in found]


def split_terms(terms: str) -> list[str]:
    """The terms of a comma list."""
    return [term.strip() for term in terms.split(",") if term.strip()]


def _matching(term: str, names: Sequence[str], kind: str) -> list[str]:
    if term == "all":
        return list(names)
    found = [name for name in names if name == term or fnmatchcase(name, term)]
    if not found:
        raise UnknownNameError(kind, term, names)
    return found
