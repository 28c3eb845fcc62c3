"""From rows to leaderboards: pure, and made again from the rows alone.

The score of a method is the accuracy it retains per millisecond saved, averaged over every
millisecond there is to save: with `L0` the dense latency and `r(t)` the best accuracy retained among
the method's levels that save at least `t`, `score = (1/L0) * integral of r(t) dt from 0 to L0`. It
lies in [0, 1], never divides by a small number, and does not depend on which methods were run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.ranking.boards import comparison_groups, names
from harness.ranking.bootstrap import score_intervals
from harness.ranking.frame import row_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.ranking.boards import GroupEntry
    from harness.ranking.frame import RowFrame, RowIndices, Rows

AVERAGED_COLUMNS = (
    "top1", "retained", "latency_ms", "dense_latency_ms", "fps", "ms_saved", "ms_saved_low",
    "ms_saved_high", "retained_per_ms_saved", "size_mb", "compressed_mb", "macs", "params_nonzero",
    "top1_backend", "energy_j", "dense_energy_j",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One method's line; its whole rows are made when first asked for."""

    method: tuple[str, str, str, str]
    rank: int | None
    score: float
    low: float
    high: float
    columns: RowFrame = field(repr=False, compare=False)
    indices: RowIndices = field(repr=False, compare=False)

    @property
    def saves_time(self) -> bool:
        """Whether any level saves time beyond the noise."""
        return self.rank is not None

    @property
    def name(self) -> str:
        """Pruner, granularity, scope and schedule, as people say it."""
        return " ".join(self.method)

    @cached_property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """Every row of the method, by level and seed."""
        return tuple(row for level in self.levels for row in self.at(level))

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """The sparsities it was run at, lowest first."""
        return tuple(sorted(set(self.columns.values("sparsity", self.indices))))

    def at(self, level: float) -> list[Mapping[str, Any]]:
        """Its rows at one sparsity, by seed; none where it was not run there."""
        return [*self.columns.rows(self._at(level))]

    @cached_property
    def best(self) -> Mapping[str, Any]:
        """The level that adds most to the score, averaged over seeds."""
        level = max(self.levels, key=lambda level: _contribution(self.columns, self._at(level)))
        return _mean(self.at(level))

    def _at(self, level: float) -> RowIndices:
        levels = self.columns.values("sparsity", self.indices)
        return self.indices[[found == level for found in levels]]


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Methods ranked under the same conditions."""

    conditions: Mapping[str, Any]
    entries: tuple[Entry, ...]
    seeds: int
    unsteady: tuple[str, ...]
    columns: RowFrame = field(repr=False, compare=False)
    dense_indices: RowIndices = field(repr=False, compare=False)

    @property
    def title(self) -> str:
        """The conditions in words."""
        found = self.conditions
        return (
            f"{found['model']} on {found['dataset']}, {found['backend']}, batch {found['batch']}, "
            f"{found['threads']} thread{'s' if found['threads'] != 1 else ''}"
        )

    @cached_property
    def dense(self) -> Mapping[str, Any] | None:
        """The unpruned rows of all seeds, averaged."""
        return _mean(self.columns.rows(self.dense_indices)) if len(self.dense_indices) else None


class RankedRows(tuple[Mapping[str, Any], ...]):
    """Rows that are ranked once, however many reporters ask."""

    @cached_property
    def leaderboards(self) -> list[Leaderboard]:
        """As `leaderboards` of the same rows makes them."""
        return leaderboards(list(self))


def leaderboards(rows: Rows) -> list[Leaderboard]:
    """One for every model, dataset, backend, batch size, thread count, device and recipe.

    Rows are mappings or a table of them. Where a criterion was edited between two runs, its later
    rows count.
    """
    if isinstance(rows, RankedRows):
        return rows.leaderboards
    columns = row_frame(rows)
    found = comparison_groups(columns.frame)
    conditions = columns.conditions([contest.first for contest in found])
    cells = [contestant.cells for contest in found for contestant in contest.entries]
    scores = iter(score_intervals(columns.frame, cells).tolist())
    return [
        Leaderboard(
            conditions=condition,
            entries=tuple(_standings(columns, contest.entries, scores)),
            seeds=contest.seeds,
            unsteady=tuple(sorted({" ".join(name) for name in names(columns.frame, contest.unsteady)})),
            columns=columns,
            dense_indices=contest.dense,
        )
        for condition, contest in zip(conditions, found, strict=True)
    ]


def _standings(
    columns: RowFrame, entries: Sequence[GroupEntry], scores: Iterator[list[float]]
) -> Iterator[Entry]:
    pairs = zip(entries, islice(scores, len(entries)), strict=True)
    scored = sorted(pairs, key=lambda item: (-item[1][0], item[0].method))
    rank, floor = 0, float("inf")
    for contestant, (score, low, high) in scored:
        saves = any(columns.values("saves_time", contestant.indices))
        if saves and high < floor:
            rank, floor = rank + 1, low
        yield Entry(
            method=contestant.method,
            rank=rank if saves else None,
            score=score,
            low=min(low, score),
            high=max(high, score),
            columns=columns,
            indices=contestant.indices,
        )


def _contribution(columns: RowFrame, level: RowIndices) -> tuple[float, float]:
    """What the level alone would score; the better accuracy where none saves time."""
    saves, saved, dense, retained = (
        columns.values(name, level)
        for name in ("saves_time", "ms_saved", "dense_latency_ms", "retained")
    )
    shares = [
        ms / whole if counts else 0.0 for counts, ms, whole in zip(saves, saved, dense, strict=True)
    ]
    # An empty value is no number, and equals nothing.
    kept = [min(value, 1.0) if value == value else 0.0 for value in retained]
    score = fmean(fraction * share for fraction, share in zip(kept, shares, strict=True))
    return score, fmean(columns.values("top1", level))


def _mean(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """One row for all seeds: measured columns averaged, empty where one of them is."""
    means = {
        name: None if any(row.get(name) is None for row in rows) else fmean(row[name] for row in rows)
        for name in AVERAGED_COLUMNS
    }
    return {**rows[0], **means}


def shown_top1(row: Mapping[str, Any]) -> float:
    """The accuracy that counts: of the backend's own outputs where it is known, else PyTorch's."""
    own = row.get("top1_backend")
    return float(row["top1"] if own is None else own)
