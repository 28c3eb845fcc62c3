"""What a person sees while a run is going on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from harness.console._time_left import TimeLeft
from harness.console.tables import console
from harness.errors import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType
    from rich.progress import TaskID

BAR_WIDTH = 20
DESCRIPTION = Column(no_wrap=True, overflow="ellipsis", ratio=1)
NAMED = ("training", "timing", "covering")
"""Phases whose jobs have names for people; those of others are hashes."""


class ConsoleProgress:
    """One bar of the whole run: its phase, what is running, the rows written and the time left.

    A line for each job done whose name says something.
    """

    def __init__(self, pending: int = 0) -> None:
        self.console = console(stderr=True)
        self._owed = pending
        self._phase = "starting"
        self._units = self._done = 0.0
        self._time = TimeLeft()
        self._bar = _Bar(self._time, console=self.console, disable=not self.console.is_terminal)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def expect(self, pending: int, phases: Sequence[tuple[str, float]]) -> None:
        """What is to come: rows, and phases with the seconds that they are thought to take."""
        self._owed = pending
        self._time.expect(phases)

    def phase(self, name: str, units: float) -> None:
        """A phase begins that is `units` of work long."""
        self._phase, self._units, self._done = name, units, 0.0
        self._time.begin(name, units)
        self.running(())

    def running(self, labels: Sequence[str]) -> None:
        """What is being worked on now."""
        waits = [label for label in labels if label.startswith("waiting ")]
        shown = labels if self._phase in NAMED else waits
        counted = f" {self._done:g} of {self._units:g}" if self._units and not shown else ""
        self._bar.describe(f"{self._phase}{counted}{': ' if shown else ''}{'; '.join(shown)}")

    def done(self, label: str, units: float) -> None:
        """Something is finished."""
        self._done += units
        self._time.advance(units)
        if self._phase in NAMED:
            self.note(label)

    def rows(self, written: int) -> None:
        """How many of the owed rows are on disk."""
        self._bar.count(f"{written} of {self._owed} rows")

    def note(self, text: str) -> None:
        """Something worth a line."""
        self.console.print(visible(text), markup=False, highlight=False)


class _Bar(Progress):
    """Bar that asks how far the run is whenever it is drawn."""

    def __init__(self, time_left: TimeLeft, **settings: object) -> None:
        self._time_left = time_left
        self._task: TaskID | None = None
        super().__init__(
            SpinnerColumn(),
            # What is being done gives way to the rest where lines are short.
            TextColumn("{task.description}", markup=False, table_column=DESCRIPTION),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.fields[cells]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            transient=True,
            expand=True,
            **settings,  # type: ignore[arg-type]  # rich's own
        )
        self._task = self.add_task("starting", total=None, cells="", left="")

    def describe(self, text: str) -> None:
        """Show what is being done."""
        self._show(description=text)

    def count(self, text: str) -> None:
        """Show how much is written."""
        self._show(cells=text)

    def _show(self, **columns: Any) -> None:  # noqa: ANN401 -- rich's own
        # It is drawn once before it has a task.
        if self._task is not None:
            self.update(self._task, **columns)

    def get_renderables(self) -> Iterable[RenderableType]:
        """Bar as far as the run is now."""
        left = self._time_left.seconds_left()
        words = "" if left is None else f"{timedelta(seconds=round(left))} left"
        # Without a total it moves to and fro.
        total = None if left is None else 1.0
        done = self._time_left.fraction()
        self._show(completed=done, total=total, left=words)
        yield from super().get_renderables()
