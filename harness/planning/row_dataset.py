"""Row dataset: the images that a row's model read, found again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts.data import Preprocesses, preprocessing_from
from harness.errors import HarnessError
from harness.planning.axis_selection import chosen_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.contracts.data import Dataset
    from harness.discovery.catalogue import Catalogue

    Row = Mapping[str, Any]


def row_dataset(
    catalogue: Catalogue,
    row: Row,
    options: Mapping[str, Any],
    *,
    text: str | None = None,
    folder: Path | None = None,
    same_images: bool = True,
) -> Dataset:
    """Data set of a row, preprocessed as its model read it, from where the run's `options` say.

    A `text` or a `folder` that was typed comes first. Raises HarnessError where the images are others
    and should be the `same_images`.
    """
    asked = str(text or options.get("dataset") or row["dataset"])
    kept_in = folder or (Path(options["data-dir"]) if options.get("data-dir") else None)
    dataset = chosen_dataset(catalogue, asked, folder=kept_in)
    if dataset.name != row["dataset"] and text is None:
        # Of a folder that a run on other images wrote to later.
        dataset = chosen_dataset(catalogue, row["dataset"], folder=kept_in)
    preprocessing = preprocessing_from(row)
    if preprocessing is not None and isinstance(dataset, Preprocesses):
        # Images that are whole were asked for, or nothing was, which are two fingerprints.
        unasked = preprocessing == dataset.preprocessing() and dataset.fingerprint() == row["data_hash"]
        dataset = dataset if unasked else dataset.preprocessed(preprocessing)
    if same_images and dataset.fingerprint() != row["data_hash"]:
        raise HarnessError(
            f"{asked} is not what the row was measured on ({row['dataset']}), or its images and "
            "classes have changed since: --dataset says where those are"
        )
    return dataset
