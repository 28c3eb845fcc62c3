"""Connection sensitivity."""

from __future__ import annotations

from collections.abc import Iterable

import harness


class Snip:
    """Keep weights whose removal moves the loss: |w g| (Lee 2019, eq. 4), in evaluation mode."""

    name = "snip"

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`|w g|` of every weight, with `g` of the mean calibration loss.

        At granularity channel: group mean.
        """
        gradients = evidence.gradients
        return {name: (w * gradients[name]).abs() for name, w in evidence.weights.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer SNIP, applied to the trained model unless the schedule says otherwise."""
    return [Snip()]
