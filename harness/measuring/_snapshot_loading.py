"""Snapshot loading: the models of many snapshots at once, of which each costs little."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from harness.trials.snapshot import load_model, read_facts, read_state, trace_unfilled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from harness.contracts.data import Dataset, Model
    from harness.networks.channel_groups import CutsCopies


def trace_of(model: Model, dataset: Dataset, folders: Iterable[Path]) -> CutsCopies | None:
    """What cuts snapshots to their architectures; None where fewer than two of the folders need it."""
    if sum(bool(read_facts(folder).history) for folder in folders) < 2:
        return None
    return trace_unfilled(model, dataset)


def load_models(
    snapshots: Sequence[tuple[Path, Model]], dataset: Dataset, *, traced: CutsCopies | None
) -> Iterator[nn.Module]:
    """Load the models of folders one after the other, the next one's weights unpacked meanwhile."""
    states = _read_ahead([folder for folder, _ in snapshots])
    for (folder, model), state in zip(snapshots, states, strict=True):
        yield load_model(folder, model, dataset, traced=traced, state=state)


def _read_ahead(folders: Sequence[Path]) -> Iterator[dict[str, Tensor]]:
    """State dict of each folder, read while the one before is used."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(read_state, folders[0])
        for folder in folders[1:]:
            state, coming = coming.result(), reader.submit(read_state, folder)
            yield state
        yield coming.result()
