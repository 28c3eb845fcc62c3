"""Tidy frame: rows of a run as a data frame, typed alike whatever they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.storage.row import BLOBS, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

DTYPES: Mapping[str, Any] = {
    "str": "string", "int": "Int64", "float": "Float64", "bool": "boolean", "Status": "string",
}  # fmt: skip
"""Types of columns in a data frame, which leave room for what was not measured."""


def tidy_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Tidy data frame: a row a measurement, typed alike whatever the rows hold, without blobs."""
    import pandas as pd

    types = {
        name: DTYPES[str(kind).removesuffix(" | None")]
        for name, kind in Row.__annotations__.items()
        if name not in BLOBS
    }
    return pd.DataFrame.from_records([*rows], columns=[*types]).astype(types)
