"""Two run folders compared: for each pair of rows and each metric, a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.comparisons.verdicts import (
    Loss,
    Metric,
    Verdict,
    accuracy_loss,
    latency_loss,
    score_loss,
    size_loss,
    verdict,
)
from harness.planning.row_dataset import row_dataset
from harness.ranking.agreement import entries_by_board

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.discovery.catalogue import Catalogue
    from harness.ranking.pairs import Pair
    from harness.storage.run_folder import RunFolder

    Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RemeasuredPair:
    """A pair timed again in one session: the loss of latency, and both rows with their new times."""

    loss: Loss
    base: Row = field(repr=False)
    new: Row = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class MetricVerdict:
    """One metric of one pair; what does not decide is reported and fails no comparison."""

    label: str
    metric: Metric
    loss: Loss | None
    verdict: Verdict
    decides: bool = True
    edited: bool = False
    """Whether the criterion's source is another one."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A newer run held against a base; `remeasured` is by the key of the base's row."""

    base: RunFolder
    new: RunFolder
    pairs: Sequence[Pair]
    tolerances: Mapping[Metric, float]
    remeasured: Mapping[str, RemeasuredPair]

    def verdicts(self, catalogue: Catalogue) -> Iterator[MetricVerdict]:
        """Latency of every pair, then what does not depend on the backend, then scores.

        Latencies of two sessions are not comparable to a few per cent, so that they decide only where
        they were measured again; with them the scores.
        """
        for pair, (base, new) in self._row_pairs():
            again = self.remeasured.get(base["key"])
            loss = again.loss if again else latency_loss(base, new)
            yield self._verdict(pair.label, "latency", loss, decides=again is not None)
        for pair, (base, new) in self._snapshots():
            yield self._verdict(pair.label, "accuracy", accuracy_loss(base, new))
            yield self._verdict(pair.label, "size", size_loss(base, new))
            if base["pruner"] != "dense" and not base["rival"]:
                masks = self._verdict(pair.label, "masks", self._mask_loss(base, new, catalogue))
                edited = base["pruner_hash"] != new["pruner_hash"]
                yield replace(masks, edited=edited)
        yield from self._scores()

    def _verdict(
        self, label: str, metric: Metric, loss: Loss | None, *, decides: bool = True
    ) -> MetricVerdict:
        return MetricVerdict(
            label=label,
            metric=metric,
            loss=loss,
            verdict=verdict(loss, self.tolerances[metric]),
            decides=decides,
        )

    def _row_pairs(self) -> Iterator[tuple[Pair, tuple[Row, Row]]]:
        for pair in self.pairs:
            if pair.both:
                yield pair, pair.both

    def _snapshots(self) -> Iterator[tuple[Pair, tuple[Row, Row]]]:
        """The first pair of each snapshot: backends and batch sizes share its accuracy and size."""
        first: dict[tuple[str, float], tuple[Pair, tuple[Row, Row]]] = {}
        for pair, rows in self._row_pairs():
            first.setdefault((rows[0]["trial"], rows[0]["sparsity"]), (pair, rows))
        yield from first.values()

    def _mask_loss(self, base: Row, new: Row, catalogue: Catalogue) -> Loss | None:
        """None where a model is not kept, or where the two were pruned from different weights."""
        from harness.trials.mask_overlap import differing_fraction, same_weights, surviving_weights

        ours, theirs = self.base.snapshot(base), self.new.snapshot(new)
        dense, other = self.base.dense(base), self.new.dense(new)
        if not (ours and theirs and dense and other and same_weights(dense, other)):
            return None
        [model] = catalogue.choose_models(base["model"])
        dataset = row_dataset(catalogue, base, self.base.options, same_images=False)
        differing = differing_fraction(
            surviving_weights(ours, model, dataset), surviving_weights(theirs, model, dataset)
        )
        return Loss(value=differing, low=differing, high=differing)

    def _only_seems_to_save(self, again: RemeasuredPair) -> bool:
        """Whether one of two that may be as fast saves time for sure, as beside busy neighbours.

        A score falls to nothing there, for a time that is not certainly another one.
        """
        is_slower = verdict(again.loss, self.tolerances["latency"]) == "worse"
        return not is_slower and again.base["saves_time"] != again.new["saves_time"]

    def _scores(self) -> Iterator[MetricVerdict]:
        again = list(self.remeasured.values())
        replaced = {row["key"] for one in again for row in (one.base, one.new)}
        flipped = {one.base["key"] for one in again if self._only_seems_to_save(one)}
        ours = entries_by_board([one.base for one in again], self.base.rows, replaced)
        theirs = entries_by_board([one.new for one in again], self.new.rows, replaced)
        for board, entry in ours.items():
            if board in theirs and entry.saves_time:
                title, *_ = board
                sure = all(row["key"] in replaced for row in entry.rows)
                loss = score_loss(entry, theirs[board])
                label = f"{entry.name}: {title}"
                told = self._verdict(label, "score", loss, decides=sure)
                if told.verdict == "worse" and any(row["key"] in flipped for row in entry.rows):
                    told = replace(told, verdict="ambiguous")
                yield told
