"""Two run folders compared: for each pair of rows and each metric, a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.ranking import leaderboards
from harness.request import chosen_dataset
from harness.verdicts import (
    Loss,
    Metric,
    Verdict,
    accuracy_loss,
    latency_loss,
    score_loss,
    size_loss,
    verdict,
)

if TYPE_CHECKING:
    from harness.catalogue import Catalogue
    from harness.pairing import Pair
    from harness.ranking import Standing
    from harness.run_folder import RunFolder

    Row = Mapping[str, Any]

BOARD = ("model", "dataset", "data_hash", "backend", "batch", "threads", "recipe_text")


@dataclass(frozen=True, kw_only=True)
class Remeasured:
    """A pair timed again in one session: the loss of latency, and both rows with their new times."""

    loss: Loss
    base: Row = field(repr=False)
    new: Row = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One metric of one pair; what does not decide is reported and fails no comparison."""

    label: str
    metric: Metric
    loss: Loss | None
    verdict: Verdict
    decides: bool = True


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A newer run held against a base; `remeasured` is by the key of the base's row."""

    base: RunFolder
    new: RunFolder
    pairs: Sequence[Pair]
    tolerances: Mapping[Metric, float]
    remeasured: Mapping[str, Remeasured]

    def findings(self, catalogue: Catalogue) -> Iterator[Finding]:
        """Latency of every pair, then what does not depend on the backend, then scores.

        Latencies of two sessions are not comparable to a few per cent, so that they decide only where
        they were measured again; with them the scores.
        """
        for pair, (base, new) in self._measured():
            again = self.remeasured.get(base["key"])
            loss = again.loss if again else latency_loss(base, new)
            yield self._finding(pair.label, "latency", loss, decides=again is not None)
        for pair, (base, new) in self._snapshots():
            yield self._finding(pair.label, "accuracy", accuracy_loss(base, new))
            yield self._finding(pair.label, "size", size_loss(base, new))
            if base["pruner"] != "dense":
                yield self._finding(pair.label, "masks", self._mask_loss(base, new, catalogue))
        yield from self._scores()

    def _finding(
        self, label: str, metric: Metric, loss: Loss | None, *, decides: bool = True
    ) -> Finding:
        found = verdict(loss, self.tolerances[metric])
        return Finding(label=label, metric=metric, loss=loss, verdict=found, decides=decides)

    def _measured(self) -> Iterator[tuple[Pair, tuple[Row, Row]]]:
        for pair in self.pairs:
            if pair.both:
                yield pair, pair.both

    def _snapshots(self) -> Iterator[tuple[Pair, tuple[Row, Row]]]:
        """The first pair of each snapshot: backends and batch sizes share its accuracy and size."""
        seen = set()
        for pair, rows in self._measured():
            place = (rows[0]["trial"], rows[0]["sparsity"])
            if place not in seen:
                seen.add(place)
                yield pair, rows

    def _mask_loss(self, base: Row, new: Row, catalogue: Catalogue) -> Loss | None:
        """None where a model is not kept, or where the two were pruned from different weights."""
        from harness.snapshot import same_weights
        from harness.survivors import differing_fraction, surviving_weights

        ours, theirs = self.base.snapshot(base), self.new.snapshot(new)
        dense, other = self.base.dense(base), self.new.dense(new)
        if not (ours and theirs and dense and other and same_weights(dense, other)):
            return None
        [model] = catalogue.choose_models(base["model"])
        dataset = chosen_dataset(catalogue, base["dataset"])
        differing = differing_fraction(
            surviving_weights(ours, model, dataset), surviving_weights(theirs, model, dataset)
        )
        return Loss(value=differing, low=differing, high=differing)

    def _scores(self) -> Iterator[Finding]:
        again = list(self.remeasured.values())
        replaced = {row["key"] for one in again for row in (one.base, one.new)}
        ours = _standings([one.base for one in again], self.base.rows, replaced)
        theirs = _standings([one.new for one in again], self.new.rows, replaced)
        for place, standing in ours.items():
            if place in theirs and standing.saves_time:
                title, *_ = place
                sure = all(row["key"] in replaced for row in standing.rows)
                loss = score_loss(standing, theirs[place])
                label = f"{standing.name}: {title}"
                yield self._finding(label, "score", loss, decides=sure)


def _standings(
    again: Sequence[Row], rows: Sequence[Row], replaced: set[str]
) -> dict[tuple[Any, ...], Standing]:
    """Every method by its board's title and conditions, the machine aside, and its own name."""
    current = [row for row in rows if row["key"] not in replaced]
    return {
        (board.title, *(board.conditions[name] for name in BOARD), standing.method): standing
        for board in leaderboards([*current, *again])
        for standing in board.standings
    }


def kendall_tau(base: Sequence[Row], new: Sequence[Row]) -> tuple[float | None, int]:
    """Kendall's (1938) tau over the pairs of methods whose scores' intervals do not overlap.

    Compared within each board, among the methods that save time in both runs. A pair counts where its
    intervals part in the base or in the newer run; the number of pairs comes second, tau is None where
    there are none.
    """
    ours, theirs = _standings([], base, set()), _standings([], new, set())
    agreeing, counted = 0, 0
    shared = [p for p in ours if p in theirs and ours[p].saves_time and theirs[p].saves_time]
    for number, one in enumerate(shared):
        for other in shared[number + 1 :]:
            same_board = one[:-1] == other[:-1]
            sides = ((ours[one], ours[other]), (theirs[one], theirs[other]))
            if same_board and any(_part(a, b) for a, b in sides):
                counted += 1
                (a, b), (c, d) = sides
                agreeing += 1 if (a.score - b.score) * (c.score - d.score) > 0 else -1
    return (agreeing / counted if counted else None), counted


def _part(one: Standing, other: Standing) -> bool:
    return one.low > other.high or other.low > one.high
