"""Rows on their way to the ledger: checked, written, counted, announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.discovery.catalogue import Catalogue
    from harness.engines.observer import Observer
    from harness.storage.ledger import Ledger
    from harness.storage.row import Row


class RowWriter:
    """Writes the rows of a run one by one, telling `observer` and the plugins of each."""

    def __init__(self, ledger: Ledger, *, catalogue: Catalogue, observer: Observer) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._observer = observer
        self._written = 0
        observer.rows(0)

    def write(self, row: Row) -> None:
        """On disk before anyone hears of it."""
        self._ledger.append(row)
        self._written += 1
        self._observer.rows(self._written)
        for problem in self._catalogue.announce(vars(row)):
            self._observer.note(problem)
