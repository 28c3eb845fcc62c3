"""Prune once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class OneShot:
    """Prune to the target at once, then fine-tune for the whole budget."""

    name = "one_shot"

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """One round."""
        return [harness.Round(sparsity=target, share=1.0)]


@harness.hookimpl
def harness_schedules() -> Iterable[harness.Schedule]:
    """Offer one-shot pruning."""
    return [OneShot()]
