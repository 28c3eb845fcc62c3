"""Leaderboards: made from the rows alone, and the same again at any time.

The score of a method is the accuracy it retains per millisecond saved, averaged over every
millisecond there is to save: with `L0` the dense latency and `r(t)` the best accuracy retained among
the method's levels that save at least `t`, `score = (1/L0) * integral of r(t) dt from 0 to L0`.
Retained is `(top1 - chance) / (dense top1 - chance)`, chance being the commonest class's share of the
test images, so that a model which guesses earns nothing. The score lies in [0, 1], never divides by a
small number, and does not depend on which methods were run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.ranking._boards import comparison_groups, method_names, method_text
from harness.ranking._bootstrap import score_estimates
from harness.ranking._frame import row_frame
from harness.ranking.quality_floor import QUALITY_FLOOR, latency_at_floor
from harness.ranking.ranks import ranking

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from harness.ranking._boards import ComparisonGroup
    from harness.ranking._bootstrap import ScoreEstimates
    from harness.ranking._frame import RowFrame, RowIndices, Rows
    from harness.ranking.rank_test import Correction, RankInterval
    from harness.ranking.ranks import Ranking

AVERAGED_COLUMNS = (
    "top1", "retained", "latency_ms", "dense_latency_ms", "fps", "ms_saved", "ms_saved_low",
    "ms_saved_high", "retained_per_ms_saved", "size_mb", "compressed_mb", "macs", "params_nonzero",
    "top1_backend", "energy_j", "dense_energy_j",
)  # fmt: skip

REDUCTION_WORDS = {"group": "group", "producers": "filters"}


@dataclass(frozen=True, kw_only=True)
class RankingRule:
    """Ranking rule: the correction for all pairs of methods, and the quality floor of best times.

    Boards with `mix_machines` hold rows of machines of any kind.
    """

    correction: Correction = "holm"
    floor: float = QUALITY_FLOOR
    mix_machines: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Leaderboard entry of one method; its whole rows are made on first access.

    The interval of its `rank` is 1 and those surely better, to those not surely worse; None where it
    saves no time at any level beyond the noise, or one that cannot be true (`impossible`), and with one
    seed. `by_seed` has nan where the method has no such seed of its board.
    """

    method: tuple[str, str, str, str]
    rank: RankInterval | None
    saves_time: bool
    impossible: bool
    score: float
    low: float
    high: float
    by_seed: tuple[float, ...] = field(repr=False, compare=False)
    floor: float
    columns: RowFrame = field(repr=False, compare=False)
    indices: RowIndices = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Method in words: pruner, granularity, scope and schedule."""
        return method_text(self.method)

    @property
    def shown_method(self) -> tuple[str, str, str, str]:
        """Method as tables show it: the granularity says what of a channel its score is made of."""
        pruner, granularity, scope, schedule = self.method
        word = _reduction_word(self.best)
        return pruner, f"{granularity} ({word})" if word else granularity, scope, schedule

    @cached_property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """Rows of the method, by level and seed."""
        return tuple(row for level in self.levels for row in self.at(level))

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """Sparsity levels of the method, lowest first."""
        return tuple(sorted(set(self.columns.values("sparsity", self.indices))))

    def at(self, level: float) -> list[Mapping[str, Any]]:
        """Rows at one sparsity level, by seed; none where it was not run there."""
        return [*self.columns.rows(self._indices_at(level))]

    @cached_property
    def best(self) -> Mapping[str, Any]:
        """Best level: the one that adds most to the score, averaged over seeds."""
        level = max(self.levels, key=lambda level: _contribution(self.columns, self._indices_at(level)))
        return self.mean_at(level)

    def mean_at(self, level: float) -> Mapping[str, Any]:
        """Mean row of all seeds at one sparsity level."""
        return _mean_row(self.at(level))

    @cached_property
    def ms_at_floor(self) -> float | None:
        """Least latency at the quality floor, means of seeds; None where no level reaches it."""
        means = (
            [fmean(self.columns.values(name, indices)) for name in ("retained", "latency_ms")]
            for indices in map(self._indices_at, self.levels)
        )
        return latency_at_floor([(retained, latency) for retained, latency in means], self.floor)

    def _indices_at(self, level: float) -> RowIndices:
        levels = self.columns.values("sparsity", self.indices)
        return self.indices[[row_level == level for row_level in levels]]


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Leaderboard: methods ranked under the same conditions, the highest score first."""

    conditions: Mapping[str, Any]
    entries: tuple[Entry, ...]
    seeds: int
    unsteady: tuple[str, ...]
    rule: RankingRule
    ranking: Ranking = field(repr=False, compare=False)
    columns: RowFrame = field(repr=False, compare=False)
    dense_indices: RowIndices = field(repr=False, compare=False)

    @property
    def title(self) -> str:
        """Title: the conditions in words."""
        facts = self.conditions
        return (
            f"{facts['model']} on {facts['dataset']}, {facts['backend']}, batch {facts['batch']}, "
            f"{facts['threads']} thread{'s' if facts['threads'] != 1 else ''}"
        )

    @cached_property
    def dense(self) -> Mapping[str, Any] | None:
        """Dense row: the unpruned rows of all seeds, averaged."""
        return _mean_row(self.columns.rows(self.dense_indices)) if len(self.dense_indices) else None


class RankedRows(tuple[Mapping[str, Any], ...]):
    """Rows whose leaderboards are made once, however many reporters read them."""

    rule: RankingRule

    def __new__(
        cls, rows: Iterable[Mapping[str, Any]] = (), *, rule: RankingRule = RankingRule()
    ) -> Self:
        """Rows that are ranked by a rule."""
        made = super().__new__(cls, rows)
        made.rule = rule
        return made

    @cached_property
    def leaderboards(self) -> list[Leaderboard]:
        """Leaderboards of the rows."""
        return leaderboards(list(self), rule=self.rule)


def leaderboards(rows: Rows, *, rule: RankingRule = RankingRule()) -> list[Leaderboard]:
    """Leaderboards, one for each model, dataset, backend, batch size, thread count, device and recipe.

    Rows are mappings or a table of them. Where a criterion was edited between two runs, its later
    rows count.
    """
    if isinstance(rows, RankedRows):
        return rows.leaderboards
    columns = row_frame(rows)
    columns = columns.with_mixed_machines() if rule.mix_machines else columns
    groups = comparison_groups(columns.frame)
    conditions = columns.conditions([group.first for group in groups])
    cells = [entry.cells for group in groups for entry in group.entries]
    estimates, boards, first = score_estimates(columns.frame, cells), [], 0
    for condition, group in zip(conditions, groups, strict=True):
        own = estimates.of(first, first + len(group.entries), seeds=group.seeds)
        boards.append(_leaderboard(columns, condition, group, own, rule))
        first += len(group.entries)
    return boards


def _leaderboard(
    columns: RowFrame,
    conditions: Mapping[str, Any],
    group: ComparisonGroup,
    estimates: ScoreEstimates,
    rule: RankingRule,
) -> Leaderboard:
    saves_time, too_fast, off_search = (
        [any(columns.values(name, entry.indices)) for entry in group.entries]
        for name in ("saves_time", "too_fast", "off_search")
    )
    impossible = [any(both) for both in zip(too_fast, off_search, strict=True)]
    saving = [saves and not wrong for saves, wrong in zip(saves_time, impossible, strict=True)]
    ranks = ranking([e.method for e in group.entries], estimates, saving, correction=rule.correction)
    entries = [
        Entry(
            method=entry.method,
            rank=ranks.intervals.get(entry.method),
            saves_time=saves,
            impossible=wrong,
            score=score,
            low=min(low, score),
            high=max(high, score),
            by_seed=tuple(by_seed),
            floor=rule.floor,
            columns=columns,
            indices=entry.indices,
        )
        for entry, saves, wrong, (score, low, high), by_seed in zip(
            group.entries,
            saving,
            impossible,
            estimates.intervals.tolist(),
            estimates.by_seed.tolist(),
            strict=True,
        )
    ]
    unsteady = {method_text(name) for name in method_names(columns.frame, group.unsteady)}
    return Leaderboard(
        conditions=conditions,
        entries=tuple(sorted(entries, key=lambda entry: (-entry.score, entry.method))),
        seeds=group.seeds,
        unsteady=tuple(sorted(unsteady)),
        rule=rule,
        ranking=ranks,
        columns=columns,
        dense_indices=group.dense,
    )


def _contribution(columns: RowFrame, level: RowIndices) -> tuple[float, float]:
    """Score of the level alone, and its accuracy, which decides where no level saves time."""
    saves, saved, dense, retained = (
        columns.values(name, level)
        for name in ("saves_time", "ms_saved", "dense_latency_ms", "above_chance")
    )
    shares = [
        ms / whole if counts else 0.0 for counts, ms, whole in zip(saves, saved, dense, strict=True)
    ]
    score = fmean(fraction * share for fraction, share in zip(retained, shares, strict=True))
    return score, fmean(columns.values("top1", level))


def _mean_row(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Mean row of all seeds: measured columns averaged, empty where one of them is."""
    means = {
        name: None if any(row.get(name) is None for row in rows) else fmean(row[name] for row in rows)
        for name in AVERAGED_COLUMNS
    }
    return {**rows[0], **means}


def _reduction_word(row: Mapping[str, Any]) -> str:
    """Reduction of a channel's scores in a word, empty where there is none, or are several."""
    reduction = row.get("reduction") or ""
    # What sums over the group itself hands over one score a channel, as a criterion of filters does.
    if reduction == "producers" and "coupled_sums" in (row.get("evidence") or "").split(","):
        reduction = "group"
    return REDUCTION_WORDS.get(reduction, "")


def shown_top1(row: Mapping[str, Any]) -> float:
    """Accuracy that counts: of the backend's own outputs where it is known, else PyTorch's."""
    backend_top1 = row.get("top1_backend")
    return float(row["top1"] if backend_top1 is None else backend_top1)
