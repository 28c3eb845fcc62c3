"""Example rows: of a small run, to try a reporter on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.storage.ledger import Ledger

EXAMPLE_RUN = Path(__file__).parent / "example_run"


def example_rows() -> list[dict[str, Any]]:
    """Rows of five methods on two backends, one of them skipped."""
    return Ledger(EXAMPLE_RUN).rows()
