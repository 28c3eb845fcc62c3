"""First-order Taylor expansion at gates behind the norms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor


class TaylorGate:
    """Keep channels whose gate the loss depends on: its squared gradient (Molchanov 2019, sec. 3)."""

    name = "taylor_gate"
    granularities = frozenset({"channel"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`(out,)`: mean over batches of `(gamma g_gamma + beta g_beta)^2`, which is that gradient."""
        scores, batches = dict[str, "Tensor"](), 0
        for gradients in evidence.gate_gradients:
            for name, gradient in gradients.items():
                scores[name] = scores.get(name, 0.0) + gradient.double().square()
            batches += 1
        return {name: score / batches for name, score in scores.items()}


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer first-order Taylor on gates."""
    return [TaylorGate()]
