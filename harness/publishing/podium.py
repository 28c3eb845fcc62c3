"""Podium of a board: which method to take, how sure that is, and what it brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.ranking.leaderboard import shown_top1
from harness.storage.row import speedup

if TYPE_CHECKING:
    from harness.ranking.leaderboard import Entry, Leaderboard


@dataclass(frozen=True, kw_only=True)
class Podium:
    """Podium: the entry of the highest score, and those that are not surely worse.

    `best` is None where nothing saves time.
    """

    board: Leaderboard
    best: Entry | None
    equals: tuple[Entry, ...]

    @property
    def rank(self) -> str:
        """Rank interval of the best in words, of how many."""
        if self.best is None:
            return "nothing saves time"
        if self.best.rank is None:
            return "one seed"
        return f"{self.best.rank} of {sum(e.rank is not None for e in self.board.entries)}"

    @property
    def accuracy(self) -> str:
        """Accuracy of the best, and dense's."""
        if self.best is None:
            return "-"
        dense = self.board.dense
        before = f" of {shown_top1(dense):.1%}" if dense else ""
        return f"{shown_top1(self.best.best):.1%}{before}"

    @property
    def latency(self) -> str:
        """Milliseconds of dense and of the best, with the speed-up."""
        if self.best is None:
            return "-"
        row = self.best.best
        return f"{row['dense_latency_ms']:.3g} to {row['latency_ms']:.3g} ms ({speedup(row):.2f}x)"

    @property
    def fastest(self) -> Entry | None:
        """Entry of the least time at the quality floor; None where none reaches it."""
        reaching = [e for e in self.board.entries if e.ms_at_floor is not None and e.saves_time]
        return min(reaching, key=lambda one: (one.ms_at_floor or 0.0, one.method), default=None)

    @property
    def fastest_at_floor(self) -> str:
        """Least time at the quality floor, and whose it is."""
        entry = self.fastest
        if entry is None:
            return "not reached"
        return f"{entry.ms_at_floor:.3g} ms ({entry.method[0]} {entry.method[1]})"


def podium(board: Leaderboard) -> Podium:
    """Podium of a board: by score, and by ranks where there are any."""
    saving = [entry for entry in board.entries if entry.saves_time]
    best = saving[0] if saving else None
    equals = tuple(entry for entry in saving[1:] if entry.rank is not None and entry.rank.low == 1)
    return Podium(board=board, best=best, equals=equals)
