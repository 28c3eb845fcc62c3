"""Site content: the boards of all published runs, and what pages share of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.presentation.board_titles import boards_by_model
from harness.presentation.level_points import LevelPoints
from harness.presentation.palette import palette
from harness.ranking.leaderboard import RankedRows
from harness.ranking.pairs import PAIRING_COLUMNS
from harness.storage.keys import digest, file_name

if TYPE_CHECKING:
    from pathlib import Path

    from harness.publishing.reported import Reported
    from harness.ranking.leaderboard import Entry, Leaderboard, RankingRule

TIERS: Mapping[str, str] = {
    "ours": "measured by who made this site",
    "checked": "handed in by others, and every number that follows from others was checked",
    "claimed": "handed in by others, and not checked",
}
"""Tiers of runs, and what each means."""
ENTRY_COLUMNS = (
    "device", *(name for name in PAIRING_COLUMNS if name not in ("seed", "sparsity", "rival")),
)  # fmt: skip
MOST_LETTERS = 60
RUN = "run"
"""Beside a row's columns: the number of the run that it comes from."""


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """Run as it is published: its rows, what was asked for beyond defaults, and its samples.

    `tier` says whose word its numbers are, in the words of `TIERS`, and `since` the day of that.
    """

    name: str
    rows: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]
    samples: Path
    tier: str = "ours"
    since: str = ""

    @property
    def source(self) -> str:
        """Tier with its day."""
        return f"{self.tier} {self.since}".strip()


@dataclass(frozen=True, kw_only=True)
class SiteContent:
    """Content of a site; `descriptions` are sentences on plugins, by kind and name."""

    runs: Sequence[PublishedRun]
    rule: RankingRule
    descriptions: Mapping[tuple[str, str], str]
    reported: Sequence[Reported] = ()

    @cached_property
    def rows(self) -> RankedRows:
        """Rows of all runs, each with the number of its run.

        A method on a board has rows of one tier, the most trusted that measured it there: a stranger's
        seeds are not averaged into ours.
        """
        every = [(run, {**row, RUN: n}) for n, run in enumerate(self.runs) for row in run.rows]
        best: dict[tuple[Any, ...], str] = {}
        for run, row in every:
            if row["status"] == "ok":
                known = best.setdefault(_entry_of(row), run.tier)
                best[_entry_of(row)] = min(known, run.tier, key=[*TIERS].index)
        trusted = (row for run, row in every if best.get(_entry_of(row), run.tier) == run.tier)
        return RankedRows(trusted, rule=self.rule)

    @cached_property
    def boards(self) -> list[Leaderboard]:
        """Boards that rank anything, the models in order of first appearance."""
        return [board for own in boards_by_model(self.rows.leaderboards).values() for board in own]

    @cached_property
    def by_model(self) -> Mapping[tuple[str, str], list[Leaderboard]]:
        """Boards by model and data set."""
        return boards_by_model(self.boards)

    @cached_property
    def by_backend(self) -> Mapping[str, list[Leaderboard]]:
        """Boards by backend."""
        grouped: dict[str, list[Leaderboard]] = defaultdict(list)
        for board in self.boards:
            grouped[board.conditions["backend"]].append(board)
        return dict(sorted(grouped.items()))

    @cached_property
    def by_method(self) -> Mapping[str, list[tuple[Leaderboard, Entry]]]:
        """Entries with their boards, by name of method."""
        grouped: dict[str, list[tuple[Leaderboard, Entry]]] = defaultdict(list)
        for board in self.boards:
            for entry in board.entries:
                grouped[entry.name].append((board, entry))
        return dict(sorted(grouped.items()))

    @cached_property
    def colours(self) -> Mapping[str, str]:
        """Colours of methods, the same on every page."""
        return palette(self.boards)

    @cached_property
    def points(self) -> LevelPoints:
        """Maker of charts' points, which draws what pages share once."""
        return LevelPoints()

    def source(self, entry: Entry) -> str:
        """Whose word the numbers of an entry are; each of its runs' tiers once."""
        return "; ".join(dict.fromkeys(self.runs[row[RUN]].source for row in entry.rows))

    def description(self, kind: str, name: str) -> str:
        """Sentence on a plugin; empty where it is not installed here."""
        return self.descriptions.get((kind, name.partition(":")[0]), "")


def _entry_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What says which line of which board a row is of."""
    return tuple(row.get(name) for name in ENTRY_COLUMNS)


def page_name(*words: str) -> str:
    """File name of a page, another one for other words."""
    joined = "-".join(words)
    safe = file_name(joined)[:MOST_LETTERS]
    is_plain = safe == joined and not any("-" in word for word in words)
    return safe if is_plain else f"{safe}-{digest([*words])[:6]}"


def board_path(model: str, dataset: str) -> str:
    """Path of a board page from the site's root."""
    return f"boards/{page_name(model, dataset)}.html"


def board_link(board: Leaderboard) -> str:
    """Path of a board's own part of its page."""
    facts = board.conditions
    return f"{board_path(facts['model'], facts['dataset'])}#{board_anchor(board)}"


def method_path(method: Sequence[str]) -> str:
    """Path of a method's page from the site's root."""
    return f"methods/{page_name(*method)}.html"


def board_anchor(board: Leaderboard) -> str:
    """Anchor of a board, which its conditions alone decide."""
    return f"board-{digest({name: str(value) for name, value in board.conditions.items()})}"


def written_between(rows: Sequence[Mapping[str, Any]]) -> str:
    """Days between which rows were written, in words; empty where they do not say."""
    days = sorted({str(row["written_at"])[:10] for row in rows if row.get("written_at")})
    if not days:
        return ""
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
