"""Abilities: what a plugin of each kind may be besides, as optional protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.backends import (
    Approximate,
    Backend,
    Bounded,
    Compiles,
    LimitsBatch,
    OnDevice,
    PrefersMultiple,
    ReadsWeights,
    RunsModel,
    Simulates,
)
from harness.contracts.converters import (
    Converter,
    DescribesTensors,
    Format,
    LoadsFile,
    Narrows,
    Refines,
    SharesGraph,
)
from harness.contracts.data import (
    Augments,
    Dataset,
    Located,
    Model,
    NamesClasses,
    Preprocesses,
    Pretrained,
    SharesImages,
)
from harness.contracts.meters import Meter
from harness.contracts.options import Configurable, NeedsArgument, Preloads
from harness.contracts.pruners import (
    ComparedWith,
    MakesMasks,
    Penalises,
    Pruner,
    PrunesOnly,
    Rewrites,
    Scoped,
    Steps,
)
from harness.contracts.reporters import Reporter
from harness.contracts.schedules import Controlled, Schedule, StartsEarly

if TYPE_CHECKING:
    from collections.abc import Mapping

Abilities = tuple[type, ...]
"""Protocols, as `harness.Rewrites`."""

_ARGUMENTS: Abilities = (Configurable, NeedsArgument)
ABILITIES: Mapping[type, Abilities] = {
    Pruner: (
        *_ARGUMENTS, PrunesOnly, Scoped, Rewrites, MakesMasks, Steps, Penalises, ComparedWith,
    ),
    Schedule: (*_ARGUMENTS, StartsEarly, Controlled),
    Dataset: (
        *_ARGUMENTS, Located, Augments, Preloads, Preprocesses, NamesClasses, SharesImages,
    ),
    Model: (Pretrained,),
    Backend: (
        *_ARGUMENTS, RunsModel, LoadsFile, OnDevice, Approximate, LimitsBatch, PrefersMultiple,
        ReadsWeights, Bounded, Simulates, Compiles,
    ),
    Format: (Converter, Refines, SharesGraph, Narrows, DescribesTensors),
    Meter: _ARGUMENTS,
    Reporter: (),
}  # fmt: skip
"""By what a plugin must be, what it may be besides."""
