"""Families: the smallest architecture of each module that timm lists, and the images it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.engines.engine import Outcome

MOST_PARAMETERS = 40e6


def smallest_of(module: str) -> str | None:
    """Smallest architecture of a timm module, by parameters; None where all have forty millions.

    Those that timm keeps for its own tests are none that anybody runs.
    """
    import timm

    names = [name for name in timm.list_models(module=module) if not name.startswith("test_")]
    sizes = {name: _parameters(name) for name in names}
    smallest = min(sizes, key=lambda name: sizes[name])
    return smallest if sizes[smallest] < MOST_PARAMETERS else None


def smallest_by_module(sizings: Mapping[str, Outcome[str | None]]) -> dict[str, str]:
    """Smallest architecture by module, of all that have one.

    Raises HarnessError where a module was not sized: a list without it would claim less than it says.
    """
    failures = [f"{name}: {sizing.failure}" for name, sizing in sizings.items() if sizing.failure]
    if failures:
        raise HarnessError(f"timm's modules could not all be sized: {'; '.join(failures)}")
    return {name: sizing.value for name, sizing in sizings.items() if sizing.value}


def _parameters(name: str) -> int:
    """Parameters of an architecture, none of which takes memory."""
    import timm

    with torch.device("meta"):
        return sum(own.numel() for own in timm.create_model(name).parameters())


def stated_side(name: str) -> int | None:
    """Side of the images in pixels that timm states for an architecture; None where it states none."""
    import timm

    stated = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return stated.input_size[-1] if stated else None
