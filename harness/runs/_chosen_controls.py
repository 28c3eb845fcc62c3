"""Controls that chosen plugins bring: their publication, or where they may remove, demands them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.pruners import CONTROL, ComparedWith
from harness.contracts.schedules import Controlled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contracts.pruners import Pruner
    from harness.contracts.schedules import Schedule


def with_controls(schedules: Sequence[Schedule]) -> list[Schedule]:
    """The control of a schedule follows it, unless it was chosen by itself."""
    controls = [[s, s.control] if isinstance(s, Controlled) else [s] for s in schedules]
    return list({s.name: s for both in controls for s in both}.values())


def with_random_controls(pruners: Sequence[Pruner]) -> list[Pruner]:
    """Where random removal is run, also that from the layers of criteria that remove from fewer."""
    if all(pruner.name != CONTROL for pruner in pruners):
        return list(pruners)
    controls = [[p, p.control] if isinstance(p, ComparedWith) else [p] for p in pruners]
    return list({p.name: p for both in controls for p in both}.values())
