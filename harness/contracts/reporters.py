"""Reporters: rows into files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@runtime_checkable
class Reporter(Protocol):
    """Turns rows into files."""

    @property
    def name(self) -> str:
        """The name users know it by."""

    def render(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
        """File name to content, from the rows alone."""
