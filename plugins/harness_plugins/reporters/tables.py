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
        frame = harness.tidy_frame(rows)
        parquet = io.BytesIO()
        frame.to_parquet(parquet, index=False)
        return {
            "table.csv": harness.csv_text(frame),
            "table.parquet": parquet.getvalue(),
        }


@harness.hookimpl
def harness_reporters() -> Iterable[harness.Reporter]:
    """Offer CSV and Parquet."""
    return [Tables()]
