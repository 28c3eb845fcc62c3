"""Dataset folder: rows as Parquet with a data card, as Hugging Face's `datasets` loads them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from harness.presentation.table import escaped_markdown
from harness.publishing.site_content import written_between
from harness.storage.row import BLOBS, column_units
from harness.storage.tidy_frame import tidy_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]]

TABLE = "data/train-00000-of-00001.parquet"


def dataset_files(rows: Rows, *, name: str) -> dict[str, bytes]:
    """Files of a dataset folder by path: the tidy table of the rows, and its card."""
    content = io.BytesIO()
    tidy_frame(rows).to_parquet(content, index=False)
    return {TABLE: content.getvalue(), "README.md": _card(rows, name).encode()}


def _card(rows: Rows, name: str) -> str:
    """Data card: the header that `datasets` reads, then what a person asks first."""
    from tabulate import tabulate

    succeeded = [row for row in rows if row["status"] == "ok"]
    lines = [
        (f"`{column}`", escaped_markdown(unit), escaped_markdown(text))
        for column, (text, unit) in column_units().items()
        if column not in BLOBS
    ]
    headers = ("column", "unit", "meaning")
    listed = tabulate(lines, headers=headers, tablefmt="pipe", disable_numparse=True)
    counts = ", ".join(
        f"{len({row[column] for row in succeeded})} {column}s"
        for column in ("model", "dataset", "pruner", "backend", "seed")
    )
    header = "\n".join(
        [
            f"pretty_name: {json.dumps(name)}",
            "tags:\n- pruning\n- benchmark\n- latency",
            f"size_categories:\n- {_size_category(len(rows))}",
            f"configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {TABLE}",
        ]
    )
    return (
        f"---\n{header}\n---\n\n# {escaped_markdown(name)}\n\n"
        f"Pruned networks, timed: {len(succeeded)} measured rows of {len(rows)} ({counts}), "
        f"{written_between(succeeded) or 'undated'}. A row is one network pruned by one method to one "
        "level, on one backend at one batch size, beside the dense network that was timed in turn with "
        "it. Compare rows of the same backend, device and recipe only.\n\n"
        f"## Columns\n\n{listed}\n"
    )


def _size_category(count: int) -> str:
    if count < 1000:
        return "n<1K"
    return "1K<n<10K" if count < 10_000 else "10K<n<100K" if count < 100_000 else "100K<n<1M"
