"""Whoever shows the progress of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Observer(Protocol):
    """Whoever shows the progress."""

    def phase(self, name: str, units: float) -> None:
        """A phase begins that is `units` of work long."""

    def running(self, labels: Sequence[str]) -> None:
        """What is being worked on now."""

    def done(self, label: str, units: float) -> None:
        """Something is finished."""

    def rows(self, written: int) -> None:
        """How many of the owed rows are on disk."""

    def note(self, text: str) -> None:
        """Something worth a line."""
