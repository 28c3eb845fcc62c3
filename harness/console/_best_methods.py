"""Best methods: what a ranking answers, in a line a board, the last thing that a run says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.presentation.board_table import telling_words
from harness.presentation.board_titles import boards_by_model, panel_titles
from harness.publishing.podium import podium
from harness.ranking.leaderboard import shown_top1
from harness.storage.row import speedup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.publishing.podium import Podium
    from harness.ranking.leaderboard import Entry, Leaderboard

MOST_NAMES = 3
MOST_LINES = 20


def best_sentences(boards: Sequence[Leaderboard]) -> list[str]:
    """Sentences on which methods are best on each board, and on boards where nothing saves time."""
    by_model = boards_by_model(boards)
    answers, without = [], []
    for (model, _), own in by_model.items():
        of = f" of {model}" if len(by_model) > 1 else ""
        for title, board in zip(panel_titles(own), own, strict=True):
            here = podium(board)
            if here.best is None:
                without.append(f"{title}{of}")
            else:
                answers.append(f"Best{of} on {title}: {_best(here, here.best)}")
    more = len(answers) - MOST_LINES
    rest = [f"And on {more} more boards."] if more > 0 else []
    idle = [f"Nothing saves time on {listed(without)}."] if without else []
    return [*answers[:MOST_LINES], *rest, *idle]


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first few of many."""
    more = len(names) - MOST_NAMES
    if more > 1:
        return f"{', '.join(names[:MOST_NAMES])} and {more} more"
    return ", ".join(names)


def _best(here: Podium, best: Entry) -> str:
    told = len(telling_words([entry for entry in here.board.entries if entry.saves_time]))
    names = [" ".join(entry.method[:told]) for entry in (best, *here.equals)]
    rank = "one seed, so no ranks" if best.rank is None else f"rank {here.rank}"
    top1, times = shown_top1(best.best), speedup(best.best)
    whose = f"{names[0]}: " if here.equals else ""
    return f"{listed(names)} ({rank}; {whose}{top1:.1%} at {times:.3g}x)"
