"""What is asked of a ranking, which rows alone make, by `harness run` and `harness report` alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import click

from harness.options.declaration import flag, option
from harness.options.value_types import FiniteRange
from harness.ranking.leaderboard import RankingRule
from harness.ranking.quality_floor import QUALITY_FLOOR
from harness.ranking.rank_test import Correction


@dataclass(frozen=True, kw_only=True)
class RankingOptions:
    """How methods are ranked; a report of the same rows may be another."""

    correction: Correction = option(
        click.Choice(get_args(Correction)),
        default="holm",
        help="For comparing all pairs of methods: holm keeps any error at 5 %, fdr the share of wrong "
        "pairs among those told apart.",
    )
    floor: float = option(
        FiniteRange(min=0, max=1),
        default=QUALITY_FLOOR,
        help="Fraction of dense accuracy at which each method's best time is told.",
    )

    mix_machines: bool = flag(
        help="Rank rows of all kinds of machines on one board, which then says so."
    )

    def rule(self) -> RankingRule:
        """The rule of the boards."""
        return RankingRule(correction=self.correction, floor=self.floor, mix_machines=self.mix_machines)
