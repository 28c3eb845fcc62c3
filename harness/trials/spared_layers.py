"""Spared layers: those that stay whole whatever their scores, by name or pattern."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.errors import UnknownNameError
from harness.networks.layers import prunable_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


def spared_weights(model: nn.Module, *, keep: str, only: str) -> frozenset[str]:
    """Weights of layers that stay whole: those that `keep` names, and those that `only` does not.

    Raises UnknownNameError where a pattern names no layer.
    """
    layers = [name.removesuffix(".weight") for name in prunable_weights(model)]
    kept = named_layers(layers, keep)
    pruned = named_layers(layers, only) if only else {*layers}
    return frozenset(f"{layer}.weight" for layer in layers if layer in kept or layer not in pruned)


def named_layers(layers: Sequence[str], patterns: str) -> set[str]:
    """Layers that a comma list of patterns names: by their own name, or by that of what they are in.

    Raises UnknownNameError where a pattern names none.
    """
    named: set[str] = set()
    for pattern in filter(None, (term.strip() for term in patterns.split(","))):
        matching = {layer for layer in layers if _is_named(layer, pattern)}
        if not matching:
            raise UnknownNameError("layer", pattern, layers)
        named |= matching
    return named


def _is_named(layer: str, pattern: str) -> bool:
    words = layer.split(".")
    return any(fnmatchcase(".".join(words[:end]), pattern) for end in range(1, len(words) + 1))
