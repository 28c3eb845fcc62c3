"""Comparison groups: rows under the same conditions, by method, seed and level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.ranking._bootstrap import ScoreCells
from harness.ranking._frame import (
    CONDITION_COLUMNS,
    METHOD_COLUMNS,
    RECIPE_COLUMNS,
    combination_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from harness.ranking._frame import RowIndices

DENSE_NAME = "dense"


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupEntry:
    """Entry of a comparison group: a method, the indices of its rows by seed, and the same as cells."""

    method: tuple[str, str, str, str]
    indices: RowIndices
    cells: ScoreCells


@dataclass(frozen=True, kw_only=True, eq=False)
class ComparisonGroup:
    """Comparison group: indices of rows under the same conditions; `unsteady` are those left out."""

    first: int
    seeds: int
    entries: tuple[GroupEntry, ...]
    dense: RowIndices
    unsteady: RowIndices


@dataclass(frozen=True, kw_only=True, eq=False)
class _Codes:
    """Codes by row: numbers of its conditions, method and seed, and what else sorts it."""

    conditions: RowIndices
    method: RowIndices
    seed: RowIndices
    images: NDArray[np.int64]
    chance: NDArray[np.float64]
    dense: NDArray[np.bool_]
    unsteady: NDArray[np.bool_]


def comparison_groups(frame: pd.DataFrame) -> list[ComparisonGroup]:
    """Comparison groups in order of first appearance, of the latest row of each cell."""
    import numpy as np

    codes = _codes(frame)
    indices = _latest_rows(frame, codes)
    widths = codes.method.max(initial=0) + 1, codes.seed.max(initial=0) + 1
    keys = (codes.conditions[indices] * widths[0] + codes.method[indices]) * widths[1]
    # Stable, so that levels stay in order of first appearance.
    indices = indices[np.argsort(keys + codes.seed[indices], kind="stable")]
    return [
        _comparison_group(frame, codes, group_indices)
        for group_indices in _split_runs(indices, codes.conditions)
    ]


def method_names(frame: pd.DataFrame, indices: RowIndices) -> list[tuple[str, str, str, str]]:
    """Pruner, granularity, scope and schedule of each of those rows."""
    words = (frame[name].iloc[indices] for name in METHOD_COLUMNS)
    return cast("list[tuple[str, str, str, str]]", list(zip(*words, strict=True)))


def method_text(method: Iterable[str]) -> str:
    """Method in words, without those that it has none for."""
    return " ".join(word for word in method if word)


def _codes(frame: pd.DataFrame) -> _Codes:
    import numpy as np
    import pandas as pd

    return _Codes(
        conditions=combination_numbers(frame[name] for name in (*CONDITION_COLUMNS, *RECIPE_COLUMNS)),
        method=combination_numbers(frame[name] for name in METHOD_COLUMNS),
        seed=pd.factorize(frame["seed"], sort=True)[0],
        images=frame["images"].to_numpy(),
        # Rows of before it was measured have none.
        chance=frame["chance"].fillna(0.0).to_numpy(),
        dense=frame["pruner"].eq(DENSE_NAME).to_numpy(dtype=np.bool_),
        unsteady=frame["steady"].eq(False).fillna(False).to_numpy(dtype=np.bool_),  # noqa: FBT003 -- the value looked for
    )


def _latest_rows(frame: pd.DataFrame, codes: _Codes) -> RowIndices:
    """Indices of the rows that count, in order of each cell's first appearance."""
    import numpy as np

    cells = combination_numbers([codes.conditions, codes.method, codes.seed, frame["sparsity"]])
    latest: RowIndices = np.zeros(cells.max(initial=-1) + 1, dtype=np.intp)
    # Where an index is assigned twice, numpy keeps the last.
    latest[cells] = np.arange(len(cells))
    return latest


def _split_runs(indices: RowIndices, codes: RowIndices) -> Iterable[RowIndices]:
    import numpy as np

    return np.split(indices, np.flatnonzero(np.diff(codes[indices])) + 1) if len(indices) else []


def _comparison_group(frame: pd.DataFrame, codes: _Codes, indices: RowIndices) -> ComparisonGroup:
    import numpy as np

    steady = indices[~codes.unsteady[indices]]
    seeds = np.unique(codes.seed[steady])
    pruned = _split_runs(steady[~codes.dense[steady]], codes.method)
    first = np.array([run[0] for run in pruned], dtype=np.intp)
    methods = zip(method_names(frame, first), pruned, strict=True)
    return ComparisonGroup(
        first=int(indices[0]),
        seeds=len(seeds),
        entries=tuple(
            GroupEntry(method=name, indices=run, cells=_cells(codes, run, seeds=seeds))
            for name, run in methods
        ),
        dense=steady[codes.dense[steady]],
        unsteady=indices[codes.unsteady[indices]],
    )


def _cells(codes: _Codes, indices: RowIndices, *, seeds: RowIndices) -> ScoreCells:
    import numpy as np

    method_seeds, first, seed_numbers = np.unique(
        codes.seed[indices], return_index=True, return_inverse=True
    )
    level = np.arange(len(indices)) - first[seed_numbers]
    table = np.full((level.max() + 1, len(method_seeds)), -1)
    table[level, seed_numbers] = indices
    return ScoreCells(
        indices=table,
        seeds=np.searchsorted(seeds, method_seeds),
        board_seeds=len(seeds),
        images=max(int(codes.images[indices].max()), 1),
        chance=float(codes.chance[indices].max()),
    )
