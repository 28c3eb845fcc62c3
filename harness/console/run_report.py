"""What a run prints and writes of its rows: a provisional table on the way, the whole at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.console.tables import (
    console,
    print_best,
    print_failed,
    print_ranking,
    print_reports,
    print_sentence,
    print_skipped,
)
from harness.ranking.leaderboard import RankedRows
from harness.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from rich.console import Console

    from harness.discovery.catalogue import Catalogue
    from harness.planning.grid import Grid
    from harness.planning.plan import Plan
    from harness.ranking.leaderboard import RankingRule


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """How a run ended: of how many cells, or training jobs of a shard, it has no result.

    `rows` are those of the cells that were asked for, in a `folder` that may hold others.
    """

    failures: int
    folder: Path
    rows: RankedRows = RankedRows(())


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """Report of a grid's rows in a folder, ranked by a rule."""

    grid: Grid
    folder: Path
    catalogue: Catalogue
    rule: RankingRule

    def rows(self, plan: Plan) -> RankedRows:
        """Rows of a plan's cells, among those of the folder."""
        return self._asked(plan, self._every())

    def show_provisional(self, page: Console, plan: Plan) -> None:
        """Print the ranking of what is there, if anything is, and of how much that is."""
        rows = self.rows(plan)
        ok = [row for row in rows if row["status"] == "ok"]
        if not ok:
            return
        counts = [
            _count(column, {row[column] for row in ok}, {cell.settings[column] for cell in plan.cells})
            for column in ("seed", "model", "backend")
        ]
        there = f"{''.join(counts)}{len(rows)} of {len(plan.cells)} rows"
        print_sentence(page, f"\nProvisional: {there}. Ctrl-C keeps it; the same command goes on.\n")
        print_ranking(page, rows, batch=min(self.grid.batches))

    def conclude(self, plan: Plan) -> RunOutcome:
        """Print and write what there is of the plan's cells, and of others in the folder."""
        every = self._every()
        rows = self._asked(plan, every)
        # Ranked once where the folder holds nothing else.
        rows = every if len(rows) == len(every) else rows
        print_ranking(console(), rows, batch=min(self.grid.batches))
        print_skipped(console(), rows)
        print_sentence(console(), self.grid.witness.sentence)
        print_reports(self.folder, every, self.catalogue)
        print_failed(console(stderr=True), rows)
        failures = sum(row["status"] == "failed" for row in rows)
        return RunOutcome(failures=failures, folder=self.folder, rows=rows)

    def answer(self, outcome: RunOutcome) -> None:
        """Print which methods are best, when all else has been said."""
        print_best(console(), outcome.rows)

    def _every(self) -> RankedRows:
        return RankedRows(Ledger(self.folder).rows(), rule=self.rule)

    def _asked(self, plan: Plan, every: RankedRows) -> RankedRows:
        asked = {cell.key for cell in plan.cells}
        return RankedRows((row for row in every if row["key"] in asked), rule=self.rule)


def _count(column: str, there: Collection[Any], asked: Collection[Any]) -> str:
    """How many of what was asked for there are, and which; empty where none is missing."""
    if len(there) == len(asked):
        return ""
    return f"{len(there)} of {len(asked)} {column}s ({', '.join(map(str, sorted(there)))}), "
