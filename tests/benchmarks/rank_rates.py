"""How often does a table err? Simulated tables of known truth, ranked as real ones are.

python tests/benchmarks/rank_rates.py                  # the order of a real table
python tests/benchmarks/rank_rates.py --truth equal    # no method is better than another
python tests/benchmarks/rank_rates.py --truth pairs    # two groups that differ by 0.08
python tests/benchmarks/rank_rates.py --run FOLDER     # scores and spread as measured in a run
python tests/benchmarks/rank_rates.py --real FOLDER REPLICATE    # no simulation: seeds against others
"""

from __future__ import annotations

import argparse
import gc
import math
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tabulate import tabulate

from harness.ranking.agreement import rank_agreement
from harness.ranking.leaderboard import RankedRows, leaderboards
from harness.ranking.rank_test import MethodScores, apart, rank_intervals
from harness.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.ranking.rank_test import Correction

    Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

METHODS = 16
SPREAD, CHAOTIC_SPREAD, UNEVENNESS = 0.0145, 0.07, 0.25
"""Between seeds: of most scores, of those of chaotic methods, and of the logarithm of the first."""
IMAGE_ERROR, SHARED_IMAGES, TIMING_ERROR = 0.008, 0.5, 0.004
DRAWS = 400
GAP = 0.08
SEEDS = (1, 2, 3, 5)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """True scores `(methods,)` and how far they stray between seeds."""

    scores: Doubles
    spread: Doubles


def made_truth(kind: str, *, chaotic: int = 0) -> Truth:
    """Sixteen methods, some of them chaotic between seeds."""
    random = np.random.default_rng(0)
    spread = SPREAD * np.exp(random.normal(0, UNEVENNESS, METHODS))
    spread[:chaotic] = CHAOTIC_SPREAD
    clusters = np.repeat([0.75, 0.72, 0.66, 0.58, 0.50, 0.42], [3, 4, 3, 2, 2, 2])
    scores = {
        "equal": np.full(METHODS, 0.6),
        "pairs": np.where(np.arange(METHODS) % 2, 0.6, 0.6 - GAP),
        "real": random.permutation(clusters + random.normal(0, 0.006, METHODS)),
    }
    return Truth(scores=scores[kind], spread=spread)


def measured_truth(folder: Path) -> Truth:
    """The scores of a run's first board, and their spread between its seeds."""
    [board, *_] = leaderboards(Ledger(folder).rows())
    chosen = [entry for entry in board.entries if entry.saves_time]
    by_seed = np.array([entry.by_seed for entry in chosen])
    rest = by_seed - np.nanmean(by_seed, axis=0)
    return Truth(scores=np.nanmean(by_seed, axis=1), spread=np.nanstd(rest, axis=1, ddof=1))


def simulated(truth: Truth, *, seeds: int, random: np.random.Generator) -> MethodScores:
    """A table: scores by seed, all with the same errors of test images and of times."""
    methods = len(truth.scores)
    shared, own = math.sqrt(SHARED_IMAGES), math.sqrt(1.0 - SHARED_IMAGES)

    def errors(count: int) -> Doubles:
        images = shared * random.normal(0, 1, count) + own * random.normal(0, 1, (methods, count))
        return IMAGE_ERROR * images + TIMING_ERROR * random.normal(0, 1, (methods, count))

    between = truth.spread[:, None] * random.normal(0, 1, (methods, seeds))
    luck = 0.02 * random.normal(0, 1, seeds)
    by_seed = truth.scores[:, None] + between + luck + errors(1)
    return MethodScores(by_seed=by_seed, draws=errors(DRAWS))


@dataclass(kw_only=True)
class Rates:
    """What was counted over tables."""

    pairs: int = 0
    apart: int = 0
    swapped: int = 0
    tables: int = 0
    wrong: int = 0
    with_swap: int = 0
    covered: int = 0
    ranks: int = 0
    gaps: int = 0
    gaps_found: int = 0

    def line(self, *words: object) -> list[object]:
        """A line of the table, in percent."""
        shares = (
            (self.apart, self.pairs), (self.swapped, self.apart), (self.wrong, self.tables),
            (self.with_swap, self.tables), (self.covered, self.ranks), (self.gaps_found, self.gaps),
        )  # fmt: skip
        return [*words, *(f"{100 * part / whole:.1f}" if whole else "-" for part, whole in shares)]


def rates(truth: Truth, *, seeds: int, correction: Correction, tables: int, seed: int = 0) -> Rates:
    """Rates over independent tables, each beside a second one with other seeds, images and times."""
    random, found = np.random.default_rng(seed), Rates()
    order = np.sign(np.subtract.outer(truth.scores, truth.scores)).round(12)
    upper = np.triu(np.ones_like(order, dtype=bool), 1)
    wide = np.abs(np.subtract.outer(truth.scores, truth.scores)) >= GAP - 1e-9
    # statsmodels collects garbage at every call, among all that is alive.
    gc.freeze()
    for _ in range(tables):
        first, second = (simulated(truth, seeds=seeds, random=random) for _ in range(2))
        decided = apart(first, correction=correction)
        again = second.by_seed.mean(axis=1)
        other = np.sign(np.subtract.outer(again, again))
        swaps = int(((decided * other < 0) & upper).sum())
        found.pairs += int(upper.sum())
        found.apart += int(((decided != 0) & upper).sum())
        found.swapped += swaps
        found.tables += 1
        found.wrong += bool(((decided != 0) & (decided != order) & upper).any())
        found.with_swap += swaps > 0
        found.gaps += int((wide & upper).sum())
        found.gaps_found += int((wide & (decided == order) & upper).sum())
        for method, rank in enumerate(rank_intervals(decided)):
            better, equal = (order[method] < 0).sum(), (order[method] == 0).sum()
            found.covered += rank.low <= 1 + better and rank.high >= better + equal
            found.ranks += 1
    gc.unfreeze()
    return found


def real_rates(rows: Sequence[Mapping[str, Any]], *, seeds: int) -> list[object]:
    """A line of rates over all splits of a run's seeds into so many and as many others."""
    groups = [*combinations(sorted({row["seed"] for row in rows}), seeds)]
    ranked = {group: RankedRows(row for row in rows if row["seed"] in group) for group in groups}
    splits = [(a, b) for a, b in combinations(groups, 2) if not {*a} & {*b}]
    counted = [rank_agreement(ranked[a], ranked[b]) for a, b in splits]
    pairs = sum(
        math.comb(sum(entry.saves_time for entry in board.entries), 2)
        for split in splits
        for group in split
        for board in ranked[group].leaderboards
    )

    def share(count: str, whole: int) -> str:
        return f"{100 * sum(getattr(one, count) for one in counted) / whole:.1f}" if whole else "-"

    return [
        seeds,
        len(splits),
        share("apart", pairs),
        share("swapped", sum(one.apart for one in counted)),
        share("swap_tables", sum(one.tables for one in counted)),
        share("covered", sum(one.scores for one in counted)),
        f"{np.mean([one.tau for one in counted if one.tau is not None]):.2f}",
    ]


def print_real(folders: Sequence[Path]) -> None:
    """Print rates on the seeds of runs of one grid."""
    rows = [row for folder in folders for row in Ledger(folder).rows()]
    count = len({row["seed"] for row in rows})
    lines = [real_rates(rows, seeds=seeds) for seeds in range(1, count // 2 + 1)]
    headers = (
        "seeds", "splits", "pairs apart %", "of these swap %", "tables with a swap %",
        "scores within both intervals %", "tau",
    )  # fmt: skip
    print(tabulate(lines, headers=headers, tablefmt="pipe"))


def main() -> None:
    """Print a table of rates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--truth", choices=["real", "equal", "pairs"], default="real")
    parser.add_argument("--run", type=Path, help="a run's folder, whose scores are taken for true")
    parser.add_argument("--chaotic", type=int, default=0, help="methods that stray five times as far")
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    parser.add_argument("--real", type=Path, nargs="+", help="run folders of one grid, unlike seeds")
    chosen = parser.parse_args()
    if chosen.real:
        print_real(chosen.real)
        return
    truth = (
        measured_truth(chosen.run) if chosen.run else made_truth(chosen.truth, chaotic=chosen.chaotic)
    )
    corrections: tuple[Correction, ...] = ("holm", "fdr")
    lines = [
        rates(truth, seeds=seeds, correction=correction, tables=chosen.tables, seed=chosen.seed).line(
            correction, seeds
        )
        for correction in corrections
        for seeds in SEEDS
    ]
    headers = (
        "correction", "seeds", "pairs apart %", "of these swap %", "tables with a wrong pair %",
        "tables with a swap %", "ranks covered %", f"differences of {GAP:g} found %",
    )  # fmt: skip
    print(tabulate(lines, headers=headers, tablefmt="pipe"))


if __name__ == "__main__":
    main()
