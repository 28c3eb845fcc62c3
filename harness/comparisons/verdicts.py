"""Verdicts: whether a metric got worse, beyond its noise and beyond what is tolerated.

A loss is how much worse the newer run is: a fraction of the base for latency and size, a difference
for accuracy, score and masks. Its 95 % interval against the tolerance gives the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.ranking.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.ranking.leaderboard import Entry

    Row = Mapping[str, Any]

Metric = Literal["accuracy", "latency", "size", "masks", "score"]
Verdict = Literal["worse", "better", "same", "ambiguous", "no data"]

TOLERANCES: Mapping[Metric, float] = {
    "accuracy": 0.02,
    "latency": 0.05,
    "size": 0.01,
    "masks": 0.05,
    "score": 0.05,
}
"""Tolerated losses: beyond these a comparison fails, unless options say otherwise."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Loss: how much worse, with its 95 % interval; below zero is better."""

    value: float
    low: float
    high: float


def verdict(loss: Loss | None, tolerance: float) -> Verdict:
    """Verdict on a loss: its whole interval lies beyond the tolerance, within it, or neither."""
    if loss is None:
        return "no data"
    if loss.low > tolerance:
        return "worse"
    if loss.high < -tolerance:
        return "better"
    within = loss.low >= -tolerance and loss.high <= tolerance
    return "same" if within else "ambiguous"


def accuracy_loss(base: Row, new: Row) -> Loss | None:
    """Accuracy loss, from the test images that exactly one of the two gets right.

    McNemar's (1947) pairs with the exact interval of Clopper and Pearson (1934); None where the test
    images are not the same.
    """
    from scipy.stats import binomtest

    from harness.storage.bits import decode_bits

    if (base["data_hash"], base["images"]) != (new["data_hash"], new["images"]):
        return None
    ours, theirs = (decode_bits(row["correct"], row["images"]) for row in (base, new))
    lost, won = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    if lost + won == 0:
        return Loss(value=0.0, low=0.0, high=0.0)
    share = binomtest(lost, lost + won).proportion_ci(CONFIDENCE)
    differing = (lost + won) / base["images"]
    low, high = (float((2 * end - 1) * differing) for end in (share.low, share.high))
    return Loss(value=(lost - won) / base["images"], low=low, high=high)


def size_loss(base: Row, new: Row) -> Loss:
    """Size loss: growth of the weights' file, which has no noise."""
    grown = float(new["size_mb"] / base["size_mb"] - 1.0)
    return Loss(value=grown, low=grown, high=grown)


def latency_loss(base: Row, new: Row) -> Loss:
    """Latency loss: growth between two runs, whose placement differs by more than both intervals."""
    grown = float(new["latency_ms"] / base["latency_ms"] - 1.0)
    widths = [(row["latency_high_ms"] - row["latency_low_ms"]) / 2 for row in (base, new)]
    half = float(sum(width**2 for width in widths) ** 0.5 / base["latency_ms"])
    return Loss(value=grown, low=grown - half, high=grown + half)


def score_loss(base: Entry, new: Entry) -> Loss:
    """Score loss of a method; the two intervals add up as independent errors do."""
    lost = base.score - new.score
    down = ((base.score - base.low) ** 2 + (new.high - new.score) ** 2) ** 0.5
    up = ((base.high - base.score) ** 2 + (new.score - new.low) ** 2) ** 0.5
    return Loss(value=lost, low=lost - down, high=lost + up)
