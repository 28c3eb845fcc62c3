"""Network checks: parameters and multiply-accumulates of dense networks, counted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, failure_reason
from harness.planning.row_dataset import row_dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.discovery.catalogue import Catalogue

    Row = Mapping[str, Any]

COUNTED = ("dense_params", "dense_macs")


def network_findings(
    rows: Sequence[Row], options: Mapping[str, Any], catalogue: Catalogue
) -> tuple[list[str], list[str]]:
    """Findings on sizes of dense networks, and notes on those that cannot be built here."""
    findings, notes = [], []
    for network, own in _by_network(rows).items():
        try:
            counted = _counted(own[0], options, catalogue)
        except HarnessError as error:
            notes.append(f"{network} was not counted again: {error}")
            continue
        except Exception as error:
            notes.append(f"{network} was not counted again: {failure_reason(error)}")
            continue
        for name in COUNTED:
            claimed = {row[name] for row in own if row[name] is not None} - {counted[name]}
            findings += [
                f"{network}: {name} is {value}, and the network has {counted[name]}"
                for value in sorted(claimed)
            ]
    return findings, notes


def _by_network(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Measured rows by dense network, with the images that it reads."""
    networks: dict[str, list[Row]] = {}
    for row in rows:
        if row["status"] == "ok":
            size = f" at {row['input_size']} pixels" if row["input_size"] else ""
            networks.setdefault(f"{row['model']} on {row['dataset']}{size}", []).append(row)
    return networks


def _counted(row: Row, options: Mapping[str, Any], catalogue: Catalogue) -> dict[str, int]:
    """Sizes of a row's dense network, built anew. Raises HarnessError where it is not offered here."""
    from harness.networks.layers import count_macs
    from harness.training.sampling import example_batch

    dataset = row_dataset(catalogue, row, options)
    offered = [model for model in catalogue.models(row["model"]) if model.name == row["model"]]
    if not offered:
        raise HarnessError(f"no model is called {row['model']!r} here")
    network = offered[0].build(dataset).eval()
    return {
        "dense_params": sum(parameter.numel() for parameter in network.parameters()),
        "dense_macs": count_macs(network, example_batch(dataset, 1)),
    }
