"""Prune once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import harness


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
