"""Training from scratch in the pruned architecture: is it the weights, or the architecture alone?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import harness


class Scratch:
    """Prune for the architecture alone, draw new weights, train them for all epochs (Liu 2019, sec. 3).

    As many epochs as the dense model and what is pruned of it get together: Liu's scratch-E.
    """

    name = "scratch"

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """One round, by the learning rate of dense training."""
        return [harness.Round(sparsity=target, share=1.0, dense_share=1.0, redraw=True, rate=0.0)]


@harness.hookimpl
def harness_schedules() -> Iterable[harness.Schedule]:
    """Offer training from scratch."""
    return [Scratch()]
