"""Data frame of rows: what the ranking computes with, and the way back to whole rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from harness.storage.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    RowIndices = NDArray[np.intp]
    Rows = Sequence[Mapping[str, Any]] | pd.DataFrame

RECIPE_COLUMNS = (
    "dense_epochs", "finetune_epochs", "train_batch", "optimizer", "dense_lr", "finetune_lr",
    "weight_decay", "augmented", "arithmetic", "norms", "weights",
    "keep", "only",
)  # fmt: skip
CONDITION_COLUMNS = (
    "model", "dataset", "data_hash", "backend", "batch", "threads", "device", "cores", "runtime",
    "target",
)  # fmt: skip
METHOD_COLUMNS = ("pruner", "granularity", "scope", "schedule")
NEEDED_COLUMNS = (
    "images", "latency_ms", "dense_latency_ms", "ms_saved", "ms_saved_low", "ms_saved_high",
    "saves_time",
)  # fmt: skip
COLUMN_TYPES = {
    "images": "int64", "latency_ms": "float64", "dense_latency_ms": "float64", "ms_saved": "float64",
    "ms_saved_low": "float64", "ms_saved_high": "float64", "saves_time": "bool", "sparsity": "float64",
    "top1": "float64", "retained": "float64", "seed": "int64", "batch": "int64", "threads": "int64",
    "train_batch": "int64", "chance": "float64",
    "dense_top1": "float64", "dense_top1_backend": "float64",
}  # fmt: skip
WHOLE_COLUMNS = frozenset(
    name for name, kind in Row.__annotations__.items() if str(kind).startswith("int")
)
RANKED_COLUMNS = (
    *CONDITION_COLUMNS, *RECIPE_COLUMNS, *METHOD_COLUMNS, "sparsity", "seed", *NEEDED_COLUMNS, "key",
    "steady", "rounds", "architecture", "samples", "top1", "chance",
    "dense_top1", "dense_top1_backend", "retained", "correct", "dense_correct",
    "macs", "dense_macs", "params", "params_nonzero", "dense_params", "target_reached",
)  # fmt: skip

MIXED_MACHINES = "machines of any kind"
"""Device of boards that were asked to mix machines."""
MAX_REALISED = 1.5
"""Most that a model may be faster than both its multiply-accumulates and its parameters promise."""
SEARCH_TOLERANCE = 0.2
"""Most that a searched level may be off on the clock, as a fraction of dense latency."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RowFrame:
    """Data frame of the measured rows; a row's index is its number in `frame`."""

    frame: pd.DataFrame
    source: Rows
    origin: RowIndices

    def rows(self, indices: RowIndices) -> list[dict[str, Any]]:
        """Whole rows at those indices, their recipe in words, empty values as None."""
        return [
            {**row, "recipe_text": recipe_text(row)} for row in self._whole_rows(self.origin[indices])
        ]

    def conditions(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Conditions of those rows by name, the recipe in words."""
        records = (
            self.frame[[*CONDITION_COLUMNS, *RECIPE_COLUMNS]].iloc[list(indices)].to_dict("records")
        )
        return [
            {**{name: row[name] for name in CONDITION_COLUMNS}, "recipe_text": recipe_text(row)}
            for row in records
        ]

    def with_mixed_machines(self) -> RowFrame:
        """The same rows, whatever machine they are of."""
        return replace(self, frame=self.frame.assign(device=MIXED_MACHINES, cores=0))

    def values(self, name: str, indices: RowIndices) -> list[Any]:
        """Values of a numeric column of the ranking, at those indices."""
        values: list[Any] = self.frame[name].to_numpy()[indices].tolist()
        return values

    def _whole_rows(self, indices: RowIndices) -> Iterable[Mapping[str, Any]]:
        import pandas as pd

        if not isinstance(self.source, pd.DataFrame):
            return [self.source[index] for index in indices]
        table = self.source.iloc[indices].astype(object)
        records = table.where(table.notna(), None).to_dict("records")
        return [{str(name): _whole_number(name, row[name]) for name in row} for row in records]


def _whole_number(name: object, value: object) -> object:
    # A table with an empty value in a column keeps its whole numbers as fractions.
    return int(value) if name in WHOLE_COLUMNS and isinstance(value, float) else value


def recipe_text(row: Mapping[Any, Any]) -> str:
    """Recipe in one line, for comparing like with like."""
    return ", ".join(f"{name} {row[name]}" for name in RECIPE_COLUMNS if row[name] != "")


def row_frame(rows: Rows) -> RowFrame:
    """Data frame of the rows that were timed and tested; a table is read as it is, without copies."""
    import numpy as np
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        good = (rows["status"] == "ok") & rows[list(NEEDED_COLUMNS)].notna().all(axis=1)
        ranked = rows[list(RANKED_COLUMNS)]
        frame = (ranked if good.all() else ranked[good]).reset_index(drop=True)
        return RowFrame(frame=_typed(frame), source=rows, origin=np.flatnonzero(good))
    origin = [index for index, row in enumerate(rows) if _is_ranked(row)]
    picked = map(itemgetter(*RANKED_COLUMNS), (rows[index] for index in origin))
    by_name = dict(zip(RANKED_COLUMNS, zip(*picked, strict=True), strict=True)) if origin else {}
    frame = pd.DataFrame(by_name, columns=list(RANKED_COLUMNS))
    return RowFrame(frame=_typed(frame), source=rows, origin=np.array(origin, dtype=np.intp))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Data frame with its types, what is retained above chance, and which times cannot be true."""
    typed = frame.astype(COLUMN_TYPES)
    dense = typed["dense_top1_backend"].fillna(typed["dense_top1"])
    # Rows of before chance was measured have none.
    guessed = typed["chance"].fillna(0.0) / dense
    above = (typed["retained"] - guessed) / (1.0 - guessed)
    return typed.assign(
        # A simulator's time is the same on every machine.
        cores=typed["cores"].where(typed["rounds"].notna(), 0).fillna(0).astype("int64"),
        above_chance=above.clip(0.0, 1.0).fillna(0.0),
        too_fast=_too_fast(typed),
        off_search=_off_search(typed),
    )


def _too_fast(frame: pd.DataFrame) -> pd.Series[bool]:
    """Whether a time contradicts a size; not told of zeros, which a backend may skip or compute."""
    import numpy as np

    macs, params, zeros = (
        frame[one].astype(float) / frame[other].astype(float)
        for one, other in (
            ("dense_macs", "macs"), ("dense_params", "params_nonzero"), ("params", "params_nonzero"),
        )
    )  # fmt: skip
    speed_up = frame["dense_latency_ms"] / frame["latency_ms"]
    too_fast: pd.Series[bool] = (zeros == 1.0) & (speed_up > MAX_REALISED * np.fmax(macs, params))
    return too_fast


def _off_search(frame: pd.DataFrame) -> pd.Series[bool]:
    """Whether a time contradicts the search on the same backend that its level came from."""
    saved = frame["ms_saved"] / frame["dense_latency_ms"]
    searched = frame["target"] == "latency:" + frame["backend"]
    off = (frame["target_reached"].astype(float) - saved).abs()
    off_search: pd.Series[bool] = searched & (off > SEARCH_TOLERANCE)
    return off_search


def _is_ranked(row: Mapping[str, Any]) -> bool:
    return row["status"] == "ok" and all(row[name] is not None for name in NEEDED_COLUMNS)


def combination_numbers(columns: Iterable[Any]) -> RowIndices:
    """Combination numbers `(rows,)`: equal where all columns are, in order of first appearance."""
    import pandas as pd

    numbers: RowIndices | None = None
    for column in columns:
        codes, values = pd.factorize(column, use_na_sentinel=False)
        if numbers is None:
            numbers = codes
        elif len(values) > 1:
            numbers = pd.factorize(numbers * len(values) + codes)[0]
    if numbers is None:
        raise ValueError("no columns to combine")
    return numbers
