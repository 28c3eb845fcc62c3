"""Ranks of one board's methods: who is surely better than whom, and who may be among the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.ranking.rank_test import MethodScores, apart, rank_intervals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.ranking._bootstrap import ScoreEstimates
    from harness.ranking.rank_test import Correction, RankInterval

Method = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Ranking: rank intervals by method, and the pairs of which the first is surely better.

    Both are empty with one seed; methods that save no time are in neither.
    """

    intervals: Mapping[Method, RankInterval]
    better: frozenset[tuple[Method, Method]]


def ranking(
    methods: Sequence[Method],
    estimates: ScoreEstimates,
    saving: Sequence[bool],
    *,
    correction: Correction,
) -> Ranking:
    """Ranking of the methods that save time, by differences paired over the seeds of the board."""
    import numpy as np

    chosen = np.flatnonzero(saving)
    names = [methods[number] for number in chosen.tolist()]
    if estimates.by_seed.shape[1] < 2 or not names:
        return Ranking(intervals={}, better=frozenset())
    scores = MethodScores(by_seed=estimates.by_seed[chosen], draws=estimates.draws[chosen])
    decided = apart(scores, correction=correction)
    return Ranking(
        intervals=dict(zip(names, rank_intervals(decided), strict=True)),
        better=frozenset(
            (names[one], names[other]) for one, other in zip(*np.nonzero(decided > 0), strict=True)
        ),
    )


def contenders(rankings: Iterable[Ranking], podium: int) -> frozenset[Method]:
    """Contenders for the best `podium` of boards on which it is open who they are.

    Further seeds are worth their time for these alone: the others are surely worse than so many.
    """
    methods: set[Method] = set()
    for one in rankings:
        within = {method for method, rank in one.intervals.items() if rank.low <= podium}
        if len(within) > podium:
            methods |= within
    return frozenset(methods)
