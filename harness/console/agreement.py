"""What commands print of two runs' rankings: side by side, and how far they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.console.tables import print_table

if TYPE_CHECKING:
    from rich.console import Console

    from harness.ranking.agreement import RankAgreement
    from harness.ranking.leaderboard import Entry, RankedRows

HEADERS = ("pruner", "granularity", "scope", "schedule", "score", "rank", "again", "rank")


def print_side_by_side(page: Console, first: RankedRows, second: RankedRows) -> None:
    """Scores and ranks of the methods that both rows have, board by board."""
    theirs = {board.title: board for board in second.leaderboards}
    for board in first.leaderboards:
        if board.title in theirs:
            others = {entry.method: entry for entry in theirs[board.title].entries}
            lines = [
                (*entry.method, *_score_and_rank(entry), *_score_and_rank(others[entry.method]))
                for entry in board.entries
                if entry.method in others
            ]
            print_table(page, HEADERS, lines, title=board.title)


def _score_and_rank(entry: Entry) -> tuple[str, str]:
    return f"{entry.score:.3f} [{entry.low:.3f}, {entry.high:.3f}]", str(entry.rank or "-")


def agreement_sentences(agreement: RankAgreement) -> list[str]:
    """Sentences on how far two runs place methods alike."""
    if not agreement.scores:
        return ["No method saves time in both runs, so there are no ranks to compare."]
    tau = "" if agreement.tau is None else f"; Kendall's tau over all scores is {agreement.tau:.3f}"
    return [
        f"Ranks: of {agreement.apart} pairs that one of the two places apart, {agreement.swapped} "
        f"have the opposite order in the other, in {agreement.swap_tables} of {agreement.tables} "
        f"tables{tau}.",
        f"Scores: {agreement.covered} of {agreement.scores} differ by no more than both intervals "
        "allow (95 % would, were these exact).",
    ]
