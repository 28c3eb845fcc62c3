"""Contradictions: numbers of one row, or of rows of one method, that cannot both be true."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from operator import itemgetter
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.ranking.leaderboard import Entry, Leaderboard

LEAST_REACHED = 0.5
"""Fraction of a level that has to leave for its name to be true."""

NEAR_CHANCE = 0.1
"""Fraction of the way from chance to no error that a network has to be past to know its images."""
FAR_BELOW = 0.05
"""Least gain in accuracy by training what was pruned that speaks against the weights."""


def contradiction_sentences(board: Leaderboard) -> list[str]:
    """Sentences on what cannot be true, and on what a reader would not expect of a pruned model."""
    told = {
        heading: [text for entry in board.entries for text in tell(entry)]
        for heading, tell in (
            ("Not ranked, since both cannot be true", _impossible),
            ("Much less left than the level says", _short),
            ("Parameters rise with the level", _rising),
            ("Surely slower than dense", _slower),
        )
    }
    sentences = [f"{heading}: {'; '.join(texts)}." for heading, texts in told.items() if texts]
    return [*_dense_in_doubt(board), *sentences]


def _dense_in_doubt(board: Leaderboard) -> Iterator[str]:
    """Doubt in weights that were taken as they are: other inputs or classes than they know."""
    dense = board.dense
    if dense is None or dense.get("dense_epochs"):
        return
    top1, chance = dense["top1"], dense.get("chance") or 0.0
    remedy = "do its weights expect other inputs (--mean, --std, --resize) or classes in another order?"
    if top1 - chance < NEAR_CHANCE * (1.0 - chance):
        yield f"Dense is right in {top1:.1%} where a constant answer is in {chance:.1%}: {remedy}"
        return
    trained = [row for entry in board.entries for row in entry.rows if row.get("epochs")]
    best = max(trained, key=itemgetter("top1"), default=None)
    if best is not None and best["top1"] - top1 > FAR_BELOW:
        yield (
            f"Dense, which nothing trained, is right in {top1:.1%}, and what was pruned of it and "
            f"trained for {best['epochs']:g} epochs in up to {best['top1']:.1%}: {remedy}"
        )


def _impossible(entry: Entry) -> Iterator[str]:
    for row in _flagged(entry, "too_fast"):
        allowed = max(row["dense_macs"] / row["macs"], row["dense_params"] / row["params_nonzero"])
        yield (
            f"{entry.name} is {row['dense_latency_ms'] / row['latency_ms']:.3g} times as fast at level "
            f"{row['sparsity']:g}, where its multiply-accumulates and parameters allow {allowed:.3g}"
        )
    for row in _flagged(entry, "off_search"):
        yield (
            f"{entry.name} was found to save {row['target_reached']:.0%} at level {row['sparsity']:g} "
            f"and is timed to save {row['ms_saved'] / row['dense_latency_ms']:.0%}"
        )


def _flagged(entry: Entry, flag: str) -> list[Mapping[str, Any]]:
    """Rows whose time cannot be true, the first of each level."""
    by_level: dict[float, Mapping[str, Any]] = {}
    for row, wrong in zip(
        entry.columns.rows(entry.indices), entry.columns.values(flag, entry.indices), strict=True
    ):
        if wrong:
            by_level.setdefault(row["sparsity"], row)
    return [*by_level.values()]


def _short(entry: Entry) -> Iterator[str]:
    for level in entry.levels:
        reached = [row["target_reached"] for row in entry.at(level)]
        if None not in reached and fmean(reached) < LEAST_REACHED * level:
            yield f"{entry.name} reached {fmean(reached):.2g} of level {level:g}"


def _rising(entry: Entry) -> Iterator[str]:
    by_seed: dict[int, list[int]] = defaultdict(list)
    for row in entry.rows:
        if row.get("params_nonzero") is not None:
            by_seed[row["seed"]].append(row["params_nonzero"])
    if any(later > earlier for left in by_seed.values() for earlier, later in pairwise(left)):
        yield entry.name


def _slower(entry: Entry) -> Iterator[str]:
    levels = [level for level in entry.levels if all(map(_is_slower, entry.at(level)))]
    if levels:
        yield f"{entry.name} at {', '.join(f'{level:g}' for level in levels)}"


def _is_slower(row: Mapping[str, Any]) -> bool:
    noise = max(row.get("noise_ms") or 0.0, row.get("twin_ms") or 0.0)
    return bool(row["ms_saved_high"] < -noise)
