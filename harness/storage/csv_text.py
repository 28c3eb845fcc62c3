"""CSV text of a data frame, in which no spreadsheet takes a text for a formula."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile(r"[=+@\t]|-(?![\d.]|$)")
"""How a text begins that a spreadsheet runs; of a number or a lone dash it does not."""
CHUNK = 100_000
"""Rows that pandas turns to text at a time; at its own thousand or so it mostly converts columns."""


def csv_text(frame: pd.DataFrame) -> bytes:
    """CSV of a frame in UTF-8; before a text that would be a formula stands a single quote (OWASP)."""
    for name in frame.select_dtypes(exclude=["number", "boolean"]).columns:
        texts = [value for value in frame[name].unique() if isinstance(value, str)]
        if hostile := {text: f"'{text}" for text in texts if FORMULA.match(text)}:
            frame = frame.assign(**{name: frame[name].replace(hostile)})
    return frame.to_csv(index=False, chunksize=CHUNK).encode()
