"""What a person sees while a run is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from harness.console.tables import console

if TYPE_CHECKING:
    from collections.abc import Sequence


class ConsoleProgress:
    """A bar with what is running, the rows written and the time left; a line for each job done."""

    def __init__(self, pending: int) -> None:
        self.console = console(stderr=True)
        self._owed = pending
        self._written = 0
        self._phase = ""
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[cells]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self._task = self._bar.add_task("planning", total=None, cells="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def phase(self, name: str, units: float) -> None:
        """A phase begins that is `units` of work long."""
        self._phase = name
        self._bar.reset(self._task, total=units, description=name)
        self.rows(self._written)

    def running(self, labels: Sequence[str]) -> None:
        """What is being worked on now."""
        self._bar.update(self._task, description=f"{self._phase}: {'; '.join(labels)}")

    def done(self, label: str, units: float) -> None:
        """Something is finished."""
        self._bar.advance(self._task, units)
        self.note(label)

    def rows(self, written: int) -> None:
        """How many of the owed rows are on disk."""
        self._written = written
        self._bar.update(self._task, cells=f"{written}/{self._owed} rows")

    def note(self, text: str) -> None:
        """Something worth a line."""
        self.console.print(text, markup=False, highlight=False)
