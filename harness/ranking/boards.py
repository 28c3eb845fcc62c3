"""Which rows compete: under the same conditions, by method, seed and level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.ranking.bootstrap import Cells
from harness.ranking.frame import CONDITIONS, METHOD, RECIPE, combinations

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from harness.ranking.frame import Places

DENSE = "dense"


@dataclass(frozen=True, kw_only=True, eq=False)
class Contestant:
    """One method: its name, the places of its rows by seed, and the same as cells."""

    method: tuple[str, str, str, str]
    places: Places
    cells: Cells


@dataclass(frozen=True, kw_only=True, eq=False)
class Contest:
    """Rows measured under the same conditions; `unsteady` are the places of those left out."""

    first: int
    seeds: int
    contestants: tuple[Contestant, ...]
    dense: Places
    unsteady: Places


@dataclass(frozen=True, kw_only=True, eq=False)
class _Codes:
    """By row: numbers of its conditions, method and seed, and what else sorts it."""

    conditions: Places
    method: Places
    seed: Places
    images: NDArray[np.int64]
    dense: NDArray[np.bool_]
    unsteady: NDArray[np.bool_]


def contests(frame: pd.DataFrame) -> list[Contest]:
    """One for each set of conditions, in order of first appearance, of the latest row of each cell."""
    import numpy as np

    codes = _codes(frame)
    places = _latest(frame, codes)
    widths = codes.method.max(initial=0) + 1, codes.seed.max(initial=0) + 1
    keys = (codes.conditions[places] * widths[0] + codes.method[places]) * widths[1]
    # Stable, so that levels stay in order of first appearance.
    places = places[np.argsort(keys + codes.seed[places], kind="stable")]
    return [_contest(frame, codes, found) for found in _runs(places, codes.conditions)]


def names(frame: pd.DataFrame, places: Places) -> list[tuple[str, str, str, str]]:
    """Pruner, granularity, scope and schedule of each of those rows."""
    words = (frame[name].iloc[places] for name in METHOD)
    return cast("list[tuple[str, str, str, str]]", list(zip(*words, strict=True)))


def _codes(frame: pd.DataFrame) -> _Codes:
    import numpy as np
    import pandas as pd

    return _Codes(
        conditions=combinations(frame[name] for name in (*CONDITIONS, *RECIPE)),
        method=combinations(frame[name] for name in METHOD),
        seed=pd.factorize(frame["seed"], sort=True)[0],
        images=frame["images"].to_numpy(),
        dense=frame["pruner"].eq(DENSE).to_numpy(dtype=np.bool_),
        unsteady=frame["steady"].eq(False).fillna(False).to_numpy(dtype=np.bool_),  # noqa: FBT003 -- the value looked for
    )


def _latest(frame: pd.DataFrame, codes: _Codes) -> Places:
    """Places of the rows that count, in order of each cell's first appearance."""
    import numpy as np

    cells = combinations([codes.conditions, codes.method, codes.seed, frame["sparsity"]])
    latest: Places = np.zeros(cells.max(initial=-1) + 1, dtype=np.intp)
    # Of a place assigned twice, numpy keeps the last.
    latest[cells] = np.arange(len(cells))
    return latest


def _runs(places: Places, codes: Places) -> Iterable[Places]:
    import numpy as np

    return np.split(places, np.flatnonzero(np.diff(codes[places])) + 1) if len(places) else []


def _contest(frame: pd.DataFrame, codes: _Codes, places: Places) -> Contest:
    import numpy as np

    steady = places[~codes.unsteady[places]]
    seeds = np.unique(codes.seed[steady])
    pruned = _runs(steady[~codes.dense[steady]], codes.method)
    first = np.array([run[0] for run in pruned], dtype=np.intp)
    known = zip(names(frame, first), frame["key"].iloc[first], pruned, strict=True)
    return Contest(
        first=int(places[0]),
        seeds=len(seeds),
        contestants=tuple(
            Contestant(method=name, places=run, cells=_cells(codes, run, seeds=seeds, stream=key))
            for name, key, run in known
        ),
        dense=steady[codes.dense[steady]],
        unsteady=places[codes.unsteady[places]],
    )


def _cells(codes: _Codes, places: Places, *, seeds: Places, stream: str) -> Cells:
    import numpy as np

    own, first, which = np.unique(codes.seed[places], return_index=True, return_inverse=True)
    level = np.arange(len(places)) - first[which]
    table = np.full((level.max() + 1, len(own)), -1)
    table[level, which] = places
    return Cells(
        places=table,
        seeds=np.searchsorted(seeds, own),
        board_seeds=len(seeds),
        images=max(int(codes.images[places].max()), 1),
        stream=stream,
    )
