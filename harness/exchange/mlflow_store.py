"""MLflow store: a run's measured rows as runs of an MLflow experiment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.storage.row import BLOBS, Row, column_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]]

ALLOWED = "MLFLOW_ALLOW_FILE_STORE"
"""MLflow keeps its store of files only for who asks for it."""
NUMBERS = frozenset({"int | None", "float | None", "bool | None"})


def is_address(store: str) -> bool:
    """Whether a store is named by an address, as sqlite:///mlflow.db, and no folder."""
    return "://" in store or store.startswith("databricks")


def write_mlflow(rows: Rows, *, store: str, experiment: str) -> int:
    """Write each measured row as a run: what was asked for as parameters, what was measured as metrics.

    `store` is a folder or any address that MLflow knows. Returns how many were written. Raises
    HarnessError where MLflow is not installed, or the experiment is there already.
    """
    try:
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise HarnessError("--to mlflow needs mlflow: pip install mlflow-skinny") from None
    os.environ.setdefault(ALLOWED, "true")
    try:
        # MLflow remembers stores by their names, wherever a process is now.
        address = store if is_address(store) else str(Path(store).resolve())
        client = MlflowClient(tracking_uri=address)
        number = client.create_experiment(experiment)
    except MlflowException as error:
        raise HarnessError(f"MLflow at {store}: {' '.join(str(error).split())}") from None
    succeeded = [row for row in rows if row["status"] == "ok"]
    for row in succeeded:
        run = client.create_run(number, run_name=str(row["key"])).info.run_id
        client.log_batch(
            run,
            metrics=[Metric(name, float(value), 0, 0) for name, value in _numbers(row)],
            params=[Param(name, str(value)) for name, value in _settings(row)],
            tags=[RunTag("harness.key", str(row["key"]))],
        )
        client.set_terminated(run)
    return len(succeeded)


def _numbers(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Measured columns that are known, and no text."""
    for name in _columns():
        if Row.__annotations__[name] in NUMBERS and row.get(name) is not None:
            yield name, row[name]


def _settings(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Columns that say what was asked for and on what it ran."""
    for name in _columns():
        if Row.__annotations__[name] not in NUMBERS and row.get(name) not in (None, ""):
            yield name, row[name]


def _columns() -> list[str]:
    return [name for name in column_units() if name not in (*BLOBS, "key")]
