"""Whoever shows the progress of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol


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


ObserverFactory = Callable[[int], AbstractContextManager[Observer]]
"""Makes the observer of some work from how many rows it owes."""
