"""Observer protocol: whoever shows the progress of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol


class Observer(Protocol):
    """Observer of a run's progress."""

    def phase(self, name: str, units: float) -> None:
        """Begin a phase that is `units` long."""

    def running(self, labels: Sequence[str]) -> None:
        """Show the labels of running jobs."""

    def done(self, label: str, units: float) -> None:
        """Count a job of so many `units` as finished."""

    def rows(self, written: int) -> None:
        """Show how many of the pending rows are on disk."""

    def note(self, text: str) -> None:
        """Show a line."""


ObserverFactory = Callable[[int], AbstractContextManager[Observer]]
"""Factory of observers, from the number of rows that are pending."""
