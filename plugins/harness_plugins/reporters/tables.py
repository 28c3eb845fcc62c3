"""Tidy tables: one row a measurement."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import harness


class Tables:
    """table.csv and table.parquet: every column of every row but the ledger's packed bits."""

    name = "tables"

    def render(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
        """Both tables, columns in the order of `harness.Row`, typed alike whatever the rows hold."""
        import pandas as pd

        columns = [name for name in harness.column_units() if name not in harness.BLOBS]
        frame = pd.DataFrame.from_records(list(rows), columns=columns).convert_dtypes()
        parquet = io.BytesIO()
        frame.to_parquet(parquet, index=False)
        return {
            "table.csv": frame.to_csv(index=False).encode(),
            "table.parquet": parquet.getvalue(),
        }


@harness.hookimpl
def harness_reporters() -> Iterable[harness.Reporter]:
    """Offer CSV and Parquet."""
    return [Tables()]
