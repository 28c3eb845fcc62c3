"""Mask overlap: which of the dense model's weights snapshots still have, at any granularity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.networks.layers import exempt, prunable_weights
from harness.networks.surgery import replay
from harness.training.sampling import example_batch
from harness.trials.snapshot import load_model, read_facts, read_state

if TYPE_CHECKING:
    from pathlib import Path

    from harness.contracts.data import Dataset, Model


def surviving_weights(folder: Path, model: Model, dataset: Dataset) -> dict[str, Tensor]:
    """Surviving weights by name `(weights,)`, bool: still there and not zero."""
    # Doubles, since they count beyond the sixteen million at which floats start to skip.
    numbered, facts = model.build(dataset).double(), read_facts(folder)
    exempt(numbered, facts.unreached)
    sizes = {}
    for name, weight in prunable_weights(numbered).items():
        sizes[name] = weight.numel()
        weight.data = torch.arange(weight.numel(), dtype=torch.float64).reshape(weight.shape)
    replay(numbered, example_batch(dataset, 1).double(), facts.history)
    left = prunable_weights(load_model(folder, model, dataset))
    survivors = {}
    for name, number in prunable_weights(numbered).items():
        survivors[name] = torch.zeros(sizes[name], dtype=torch.bool)
        survivors[name][number.detach().flatten().long()] = (left[name] != 0).flatten()
    return survivors


def differing_fraction(base: dict[str, Tensor], new: dict[str, Tensor]) -> float:
    """Differing fraction of the prunable weights: exactly one of two snapshots still has them."""
    differing = sum(int((base[name] ^ new[name]).sum()) for name in base)
    return differing / sum(keep.numel() for keep in base.values())


def same_weights(one: Path, other: Path) -> bool:
    """Whether two snapshots hold exactly the same weights."""
    states = [read_state(folder) for folder in (one, other)]
    first, second = states
    return first.keys() == second.keys() and all(
        torch.equal(value, second[name]) for name, value in first.items()
    )
