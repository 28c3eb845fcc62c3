"""Hook specifications of plugin modules; a hook that offers returns an iterable and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.contracts.backends import Backend
    from harness.contracts.data import Dataset, Model
    from harness.contracts.meters import Meter
    from harness.contracts.pruners import Pruner
    from harness.contracts.reporters import Reporter
    from harness.contracts.schedules import Schedule

ENTRY_POINT_GROUP = "harness"

hookspec = pluggy.HookspecMarker("harness")
hookimpl = pluggy.HookimplMarker("harness")


@hookspec
def harness_pruners() -> Iterable[Pruner]:
    """Offer criteria that score weights or channels."""
    return ()


@hookspec
def harness_schedules() -> Iterable[Schedule]:
    """Offer schedules of pruning rounds."""
    return ()


@hookspec
def harness_models(pattern: str) -> Iterable[Model]:  # noqa: ARG001 -- a specification
    """Offer the architectures whose names match a shell pattern (`*` asks for all)."""
    return ()


@hookspec
def harness_datasets() -> Iterable[Dataset]:
    """Offer datasets of labelled images; loading waits until `split` is called."""
    return ()


@hookspec
def harness_backends() -> Iterable[Backend]:
    """Offer devices with a runtime; one that cannot run here says so in `unavailable`."""
    return ()


@hookspec
def harness_meters() -> Iterable[Meter]:
    """Offer meters of energy; one that cannot be read here says so in `unavailable`."""
    return ()


@hookspec
def harness_reporters() -> Iterable[Reporter]:
    """Offer files to be made from the rows."""
    return ()


@hookspec
def harness_row_written(row: Mapping[str, Any]) -> None:
    """Hear of each row once it is safe on disk; an error here is shown and costs nothing."""
