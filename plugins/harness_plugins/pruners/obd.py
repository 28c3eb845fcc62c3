"""Optimal brain damage."""

from __future__ import annotations

from collections.abc import Iterable

import harness


class Obd:
    """Keep weights that the loss curves at: h w^2 / 2 (LeCun 1990), h from the empirical Fisher."""

    name = "obd"

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """Half of `w^2` times the mean over images of each image's squared gradient.

        The diagonal of the Hessian is taken to be that of the empirical Fisher information, which
        it is where the model fits its labels (Theis 2018, eq. 7). At granularity channel: group mean.
        """
        curvature = evidence.squared_gradients
        return {name: 0.5 * w.square() * curvature[name] for name, w in evidence.weights.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer OBD."""
    return [Obd()]
